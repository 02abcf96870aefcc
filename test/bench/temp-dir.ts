import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const dirs = new Set<string>();

/** A new directory that is gone when the bench ends, also when it is interrupted. */
export function temporaryDir(): string {
  if (dirs.size === 0) process.once('exit', () => dirs.forEach(removeDir));
  const dir = mkdtempSync(join(tmpdir(), 'troupe-bench-'));
  dirs.add(dir);
  return dir;
}

export function removeDir(dir: string): void {
  rmSync(dir, { recursive: true, force: true });
  dirs.delete(dir);
}
