import { freePort, startNats } from '@troupe/testing';
import { type StartSystem, roomIds } from './system';

/** nats-server alone: its clients speak NATS over its own WebSocket listener. */
export const startNatsWebSocket: StartSystem = async () => {
  const port = await freePort();
  const server = await startNats({
    config: `websocket { host: "127.0.0.1", port: ${port}, no_tls: true, compression: false }`,
  });
  return {
    name: 'nats',
    pids: { nats: [server.pid] },
    prepare: (shape) =>
      Promise.resolve({
        driver: 'nats',
        endpoints: [{ host: '127.0.0.1', port }],
        lanes: { main: roomIds(`bench-${shape.rooms}`, shape.rooms) },
        tokens: [],
      }),
    log: () => server.log(),
    stop: () => server.stop(),
  };
};
