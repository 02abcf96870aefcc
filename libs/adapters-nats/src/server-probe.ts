import { connect } from 'node:net';
import type { NatsServer } from './nats-servers';

/**
 * Resolves when a server greets a new connection, rejects when it does not within `deadlineMs`.
 *
 * A suspended server's kernel accepts connections all the same. The client forgets the socket of an attempt that
 * timed out before the greeting without closing it; asking first keeps that from adding up with each attempt.
 */
export function greets(server: NatsServer, deadlineMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: server.host, port: server.port });
    const end = (action: () => void): void => {
      clearTimeout(timer);
      socket.destroy();
      action();
    };
    const timer = setTimeout(
      () => end(() => reject(new Error(`no greeting within ${deadlineMs} ms`))),
      deadlineMs,
    );
    socket.once('data', () => end(resolve));
    socket.once('error', (error) => end(() => reject(error)));
    socket.once('close', () => end(() => reject(new Error('the server closed the connection'))));
  });
}
