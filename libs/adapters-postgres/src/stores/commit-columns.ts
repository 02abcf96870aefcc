import type { CommitRow } from '@troupe/ports';
import { TroupeError } from '@troupe/protocol';

/**
 * The rows of a commit as one array per column, which is how `commit.sql` takes them.
 *
 * Measured on 2 cores (Postgres 15, fsync on, 200-byte texts, 100 rooms; CPU of node + postgres per message, µs):
 *
 *     batch                     1     10    100   1000
 *     arrays, unnest          315     43     15     11
 *     json_to_recordset       274     44     16     13
 *     VALUES, prepared/size   260     41     14     10
 *     VALUES, not prepared    398     69     28     21
 *     arrays, without fence   206     33     12      9
 *
 * VALUES gains up to a tenth, but needs a prepared statement for each batch size on each connection (and PGlite keeps
 * none, so it would pay the last but one line). Arrays are one statement for all sizes.
 */
export interface CommitColumns {
  rooms: string[];
  partitions: number[];
  seqs: number[];
  ids: string[];
  senders: string[];
  clientKeys: string[];
  texts: string[];
  data: (string | null)[];
  ats: string[];
}

export function commitColumns(rows: readonly CommitRow[]): CommitColumns {
  const c: CommitColumns = {
    rooms: [],
    partitions: [],
    seqs: [],
    ids: [],
    senders: [],
    clientKeys: [],
    texts: [],
    data: [],
    ats: [],
  };
  for (const row of rows) {
    c.rooms.push(row.room);
    c.partitions.push(row.partition);
    c.seqs.push(row.seq);
    c.ids.push(row.id);
    c.senders.push(row.from);
    c.clientKeys.push(storable(clientKey(row)));
    c.texts.push(storable(row.text));
    c.data.push(row.data === null ? null : JSON.stringify(row.data));
    c.ats.push(row.at);
  }
  return c;
}

/** What makes a message unique in its room and for its sender. The prefix keeps the two kinds apart. */
function clientKey(row: CommitRow): string {
  return row.clientId === null ? `m:${row.id}` : `c:${row.clientId}`;
}

/** The `clientId` in a client key, or null if there was none. */
export function clientIdOf(clientKey: string): string | null {
  return clientKey.startsWith('c:') ? clientKey.slice(2) : null;
}

/** Refuses what Postgres would refuse (NUL, for the whole batch) or what would be changed on the way (lone surrogates). */
function storable(text: string): string {
  if (text.includes('\u0000') || !text.isWellFormed()) {
    throw new TroupeError('bad_request', 'a text must be well-formed Unicode without NUL');
  }
  return text;
}
