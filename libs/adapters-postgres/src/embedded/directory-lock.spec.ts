import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DirectoryLocked, lockDirectory } from './directory-lock';
import { identityOf, thisProcess } from './process-identity';

describe('the lock of a data directory', () => {
  let directory: string;
  const children: ChildProcess[] = [];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'troupe-lock-'));
  });
  afterEach(async () => {
    for (const child of children.splice(0)) await end(child);
    rmSync(directory, { recursive: true, force: true });
  });

  async function end(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  /** Another process, which looks as if it had locked the directory. */
  async function holder(): Promise<ChildProcess & { pid: number }> {
    const child = spawn('sleep', ['600'], { stdio: 'ignore' });
    await once(child, 'spawn');
    children.push(child);
    lockDirectory(directory)();
    plant(fileNameOf(identityOf(child.pid!)!));
    return child as ChildProcess & { pid: number };
  }
  const fileNameOf = (id: { pid: number; start: string; realm: string }) =>
    `${id.pid}.${id.start}.${id.realm}`;
  const plant = (file: string) => writeFileSync(join(directory, 'locks', file), '');
  const files = () => readdirSync(join(directory, 'locks'));

  it('is taken, given back and taken again', () => {
    const unlock = lockDirectory(directory);
    expect(files()).toEqual([fileNameOf(thisProcess())]);
    unlock();
    expect(files()).toEqual([]);
    lockDirectory(directory)();
  });

  it('is refused while another process runs that has it, by an error that names both', async () => {
    const { pid } = await holder();
    expect(() => lockDirectory(directory)).toThrow(DirectoryLocked);
    expect(() => lockDirectory(directory)).toThrow(`${directory} is in use by the process ${pid}`);
    expect(files()).toHaveLength(1);
  });

  it('is refused to the process that has it already', () => {
    const unlock = lockDirectory(directory);
    expect(() => lockDirectory(directory)).toThrow(`in use by the process ${process.pid}`);
    unlock();
  });

  it('is taken over from a process that was killed', async () => {
    await end(await holder());
    const unlock = lockDirectory(directory);
    expect(files()).toEqual([fileNameOf(thisProcess())]);
    unlock();
  });

  it('is taken over from a process whose pid somebody else has by now', async () => {
    const { pid } = await holder();
    const [file] = files();
    rmSync(join(directory, 'locks', file!));
    plant(fileNameOf({ ...identityOf(pid)!, start: '1' }));
    plant(fileNameOf({ ...thisProcess(), start: '1' }));
    lockDirectory(directory)();
    expect(files()).toEqual([]);
  });

  it('is refused while a process in another container shows life, and taken over when it no longer does', () => {
    lockDirectory(directory)();
    const elsewhere = fileNameOf({ pid: 1, start: '1', realm: 'another-boot.1' });
    plant(elsewhere);
    expect(() => lockDirectory(directory)).toThrow('in use by the process 1');
    const minuteAgo = new Date(Date.now() - 60_000);
    utimesSync(join(directory, 'locks', elsewhere), minuteAgo, minuteAgo);
    lockDirectory(directory)();
    expect(files()).toEqual([]);
  });

  it('leaves files alone that are none of its own', () => {
    lockDirectory(directory)();
    plant('README');
    lockDirectory(directory)();
    expect(files()).toEqual(['README']);
  });
});
