import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';

/** One client of a bare WebSocket peer. */
export interface PeerMember {
  ws: WebSocket;
  socket: Duplex;
}

/** Listens on a free port of the loopback interface and tells the parent which. */
export function announce(server: Server): void {
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo;
    process.stdout.write(`READY ${port}\n`);
  });
}

/** A server whose rooms are sets of sockets; the room is the path. `onMessage` gets each text and its room. */
export function servePeer(onMessage: (members: Set<PeerMember>, text: Buffer) => void): void {
  const rooms = new Map<string, Set<PeerMember>>();
  const wss = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  const server = createServer();
  server.on('upgrade', (request, socket, head) => {
    wss.handleUpgrade(request, socket, head, (ws) => {
      const name = request.url ?? '/';
      const room = rooms.get(name) ?? new Set();
      rooms.set(name, room);
      const member = { ws, socket };
      room.add(member);
      ws.on('message', (data: Buffer) => onMessage(room, data));
      ws.on('close', () => room.delete(member));
      // A reset by the generator at the end of a run is no news.
      ws.on('error', () => ws.terminate());
    });
  });
  announce(server);
}

/** An unmasked text frame around `payload`. */
export function textFrame(payload: Buffer): Buffer {
  const head = payload.length < 126 ? 2 : payload.length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(head + payload.length);
  frame[0] = 0x81;
  if (head === 2) {
    frame[1] = payload.length;
  } else if (head === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(payload.length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(payload.length), 2);
  }
  payload.copy(frame, head);
  return frame;
}
