import { createServer } from 'node:http';
import { createAdapter } from '@socket.io/redis-adapter';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';
import { announce } from './peer';

// Socket.IO with rooms, websocket only, no compression; the publisher gets an ack.
// With REDIS_URL it is one of several processes behind the Redis adapter.
const http = createServer();
const io = new Server(http, {
  transports: ['websocket'],
  perMessageDeflate: false,
  httpCompression: false,
  serveClient: false,
});

io.on('connection', (socket) => {
  const { room } = socket.handshake.auth as { room: string };
  void socket.join(room);
  let count = 0;
  socket.on('message', (to: string, text: string, ack: (seq: number) => void) => {
    io.to(to).emit('message', text);
    count += 1;
    ack(count);
  });
});

async function main(): Promise<void> {
  const redisUrl = process.env['REDIS_URL'];
  if (redisUrl !== undefined) {
    const pub = new Redis(redisUrl);
    const sub = new Redis(redisUrl);
    await Promise.all([pub.ping(), sub.ping()]);
    io.adapter(createAdapter(pub, sub));
  }
  announce(http);
}

main().catch((error: Error) => {
  process.stderr.write(`${error.stack ?? error.message}\n`);
  process.exitCode = 1;
});
