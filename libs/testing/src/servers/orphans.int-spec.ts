import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { untilSucceeds } from './until';
import { untilGone } from './until-gone';

jest.setTimeout(90_000);

/** Starts a process that owns servers and a service; gives it with all of their pids and directories. */
async function startOwner(mode: string) {
  const owner = spawn(process.execPath, [join(__dirname, 'fixtures/owner.cjs'), mode], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(owner, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  let complaints = '';
  owner.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  const [line] = (await Promise.race([
    once(createInterface(owner.stdout), 'line'),
    ended.then(() => Promise.reject(new Error(`the owner ended early: ${complaints}`))),
  ])) as [string];
  return { owner, ended, ...(JSON.parse(line) as { pids: number[]; dirs: string[] }) };
}

async function expectAllGone({ pids, dirs }: { pids: number[]; dirs: string[] }): Promise<void> {
  for (const pid of pids) await untilGone(pid);
  for (const dir of dirs) {
    await untilSucceeds(`the end of ${dir}`, { deadlineMs: 30_000 }, () => {
      if (existsSync(dir)) throw new Error('it is still there');
    });
  }
}

describe('servers whose owner dies', () => {
  it('are there while it lives, and gone with their data after its SIGKILL', async () => {
    const { owner, ended, pids, dirs } = await startOwner('wait');
    // nats, redis, postmaster, service, and Postgres's own processes.
    expect(pids.length).toBeGreaterThan(4);
    expect(dirs.map((dir) => existsSync(dir))).toEqual([true, true, true]);
    for (const pid of pids) expect(process.kill(pid, 0)).toBe(true);
    owner.kill('SIGKILL');
    expect(await ended).toEqual([null, 'SIGKILL']);
    await expectAllGone({ pids, dirs });
  });

  it('are gone after its crash, suspended ones too', async () => {
    const { owner, ended, pids, dirs } = await startOwner('wait');
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    owner.kill('SIGABRT');
    expect((await ended)[1]).toBe('SIGABRT');
    await expectAllGone({ pids, dirs });
  });

  it('are gone after an error that nobody caught', async () => {
    const { ended, pids, dirs } = await startOwner('crash');
    expect(await ended).toEqual([1, null]);
    await expectAllGone({ pids, dirs });
  });
});
