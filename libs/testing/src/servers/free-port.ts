import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Below the ranges that systems take outgoing ports from (Linux 32768, others 49152). Inside them, a client that keeps
 * reconnecting to a server that is down may be given that very port, connect to itself, and keep the server from
 * coming back.
 */
const PORT_MIN = 10_000;
const PORT_MAX = 32_767;
const TRIES_MAX = 200;

const given = new Set<number>();

/**
 * Finds a loopback TCP port that nobody listens on, at random, never the same twice in one process.
 * It is not reserved: what starts there must be ready to find it taken.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const port = randomInt(PORT_MIN, PORT_MAX + 1);
    if (!given.has(port) && (await canListen(port))) {
      given.add(port);
      return port;
    }
  }
  throw new Error(`no free port between ${PORT_MIN} and ${PORT_MAX} in ${TRIES_MAX} tries`);
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '127.0.0.1' }, () => probe.close(() => resolve(true)));
  });
}
