import { connect } from 'node:net';
import { once } from 'node:events';

describe('the servers that all integration tests share', () => {
  it.each(['TEST_NATS_URL', 'TEST_REDIS_URL', 'TEST_DATABASE_URL'])(
    'listen where %s says',
    async (variable) => {
      const url = new URL(process.env[variable] ?? '');
      const socket = connect(Number(url.port), url.hostname);
      await once(socket, 'connect');
      socket.destroy();
    },
  );
});
