import { partitionOf } from '@troupe/protocol';
import type { RowFact } from '@troupe/testing';
import { Client } from 'pg';

/**
 * Notes with each message, from inside the database, which connection wrote it and which epoch the lease of its
 * partition had at that moment: what the code believes and what it stores are then compared with what was.
 */
const INSTALL = `
  CREATE TABLE audit_rooms (room text PRIMARY KEY, partition int NOT NULL);
  CREATE TABLE audit_writes (
    room text, seq bigint, id text, epoch bigint, lease_epoch bigint, lease_owner text, writer text);
  CREATE FUNCTION audit_write() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO audit_writes
      SELECT new.room, new.seq, new.id::text, new.epoch, p.epoch, p.owner, current_setting('application_name')
      FROM audit_rooms a JOIN partitions p ON p.id = a.partition WHERE a.room = new.room;
    RETURN NULL;
  END $$;
  CREATE TRIGGER audit_write AFTER INSERT ON messages FOR EACH ROW EXECUTE FUNCTION audit_write();
`;

// Without the trigger's rows one would compare nothing and call it success: the join is from the messages.
const READ = `
  SELECT m.room, m.seq::float8 AS seq, m.id::text AS id, m.epoch::float8 AS epoch,
    coalesce(w.lease_epoch, -1)::float8 AS "leaseEpoch", coalesce(w.writer, 'nobody') AS writer
  FROM messages m LEFT JOIN audit_writes w ON w.room = m.room AND w.seq = m.seq AND w.id = m.id::text
  ORDER BY m.room, m.seq
`;

/** Watches every write to the messages of a database, from inside the database. */
export class WriteAudit {
  private constructor(
    private readonly databaseUrl: string,
    private client: Client,
  ) {}

  /** Watches these rooms; must run before anything is published to them. */
  static async install(databaseUrl: string, rooms: readonly string[]): Promise<WriteAudit> {
    const client = await connect(databaseUrl);
    await client.query(INSTALL);
    await client.query('INSERT INTO audit_rooms SELECT * FROM unnest($1::text[], $2::int[])', [
      rooms,
      rooms.map(partitionOf),
    ]);
    return new WriteAudit(databaseUrl, client);
  }

  async rows(): Promise<Omit<RowFact, 't'>[]> {
    const { rows } = await this.client.query<Omit<RowFact, 't'>>(READ);
    return rows;
  }

  /** Lets go of the database, before it is killed; its triggers stay. */
  async close(): Promise<void> {
    await this.client.end();
  }

  /** Connects again after {@link close}. */
  async reopen(): Promise<void> {
    this.client = await connect(this.databaseUrl);
  }
}

async function connect(databaseUrl: string): Promise<Client> {
  const client = new Client({ connectionString: databaseUrl, application_name: 'audit' });
  await client.connect();
  return client;
}
