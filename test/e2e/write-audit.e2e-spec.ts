import { partitionOf } from '@troupe/protocol';
import {
  checkHistory,
  createDatabase,
  HistoryRecorder,
  startPostgres,
  type TestServer,
} from '@troupe/testing';
import { Client } from 'pg';
import { setUpDatabase } from './support/services';
import { WriteAudit } from './support/write-audit';

/*
 * Goal: the audit on which the cluster's run relies is itself no theatre: a write that the fence should have stopped
 * shows as a broken promise.
 * Method: rows are written by hand, past our own code, as two pods would that both think they own the partition.
 */
jest.setTimeout(60_000);

describe('the audit of writes', () => {
  let postgres: TestServer;
  let databaseUrl: string;
  let audit: WriteAudit;
  const pods: Client[] = [];

  beforeAll(async () => {
    postgres = await startPostgres({ fsync: false });
    databaseUrl = await createDatabase(postgres.url);
    await setUpDatabase(databaseUrl);
    audit = await WriteAudit.install(databaseUrl, ['room']);
    for (const name of ['pod-a', 'pod-b']) {
      const pod = new Client({ connectionString: databaseUrl, application_name: name });
      await pod.connect();
      pods.push(pod);
    }
  });

  afterAll(async () => {
    await Promise.all(pods.map((pod) => pod.end()));
    await audit?.close();
    await postgres?.stop();
  });

  const take = (pod: number, epoch: number): Promise<unknown> =>
    podAt(pod).query('UPDATE partitions SET owner = $1, epoch = $2 WHERE id = $3', [
      `pod-${pod}`,
      epoch,
      partitionOf('room'),
    ]);

  const write = (pod: number, seq: number, epoch: number): Promise<unknown> =>
    podAt(pod).query(
      `INSERT INTO messages (room, seq, id, sender, client_key, text, at, epoch)
       VALUES ('room', $1, gen_random_uuid(), 'alice', gen_random_uuid()::text, 'text', now(), $2)`,
      [seq, epoch],
    );

  function podAt(at: number): Client {
    const pod = pods[at];
    if (!pod) throw new Error(`no pod ${at}`);
    return pod;
  }

  async function broken(): Promise<string[]> {
    const recorder = new HistoryRecorder();
    recorder.rows(await audit.rows());
    return checkHistory(recorder.events).map((v) => v.invariant);
  }

  it('finds nothing while each pod writes in its own time', async () => {
    await take(0, 1);
    await write(0, 1, 1);
    await take(1, 2);
    await write(1, 2, 2);
    expect((await audit.rows()).map((row) => [row.seq, row.epoch, row.leaseEpoch, row.writer])).toEqual([
      [1, 1, 1, 'pod-a'],
      [2, 2, 2, 'pod-b'],
    ]);
    expect(await broken()).toEqual([]);
  });

  it('finds a write of the earlier owner, under its old epoch and under a stolen one', async () => {
    await write(0, 3, 1);
    expect(await broken()).toEqual(['epochs-rise', 'fence-holds']);
    await podAt(0).query('DELETE FROM messages WHERE seq = 3');
    await write(0, 3, 2);
    expect(await broken()).toEqual(['epochs-rise']);
  });
});
