import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpuSince, readCpu, totalCpu } from './cpu';

// A shell that starts a child that burns CPU and ends, then waits for its input to close.
const BURN = 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done';

describe('The CPU of a server with children', () => {
  it('is kept when a child has ended, and is near to what the operating system says of the whole', async () => {
    const shell = spawn('/bin/sh', ['-c', `(${BURN}; echo child); ${BURN}; echo own; read -r x`]);
    const pids = { server: [shell.pid ?? 0] };
    const seen: number[] = [];
    for await (const chunk of shell.stdout as AsyncIterable<Buffer>) {
      seen.push(totalCpu(readCpu(pids)));
      if (chunk.toString().includes('own')) break;
    }
    const exited = once(shell, 'exit');
    shell.stdin.end();
    await exited;
    const [afterChild = 0, afterBoth = 0] = seen;
    expect(afterChild).toBeGreaterThan(0);
    expect(afterBoth).toBeGreaterThanOrEqual(afterChild * 1.3);
    expect(readCpu(pids)).toEqual({ server: 0 });
  });

  it('is told by role, as a difference', () => {
    expect(cpuSince({ a: 10, b: 5 }, { a: 30, b: 5, c: 7 })).toEqual({ a: 20, b: 0, c: 7 });
  });
});
