import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

// Preloaded into a server with `--expose-gc --require`: SIGUSR2 collects twice, since finalizers free
// more on the second pass, and writes what is left to a file named after the process.
const dir = process.env['BENCH_MEMORY_DIR'];
const { gc } = globalThis;
if (dir !== undefined && gc !== undefined) {
  const file = join(dir, `${process.pid}.json`);
  process.on('SIGUSR2', () => {
    void gc();
    void gc();
    writeFileSync(`${file}.part`, JSON.stringify(process.memoryUsage()));
    // Renamed when whole: the reader waits for the name.
    renameSync(`${file}.part`, file);
  });
}
