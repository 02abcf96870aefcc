import { Opcode, clientFrame } from '../client-frame';
import { FrameScanner } from '../scanner';
import type { Driver } from './driver';

const FOUR = 0x34;
const TWO = 0x32;

const text = (payload: string): Buffer => clientFrame(Opcode.text, payload);

/** Engine.IO 4 and Socket.IO 5 packets over the websocket transport, a publisher asking for an ack. */
export const socketioDriver: Driver = {
  path: () => '/socket.io/?EIO=4&transport=websocket',
  joinedByUpgrade: false,
  greet: () => [],
  scanner: (sink) => new FrameScanner(sink, (buf, start) => buf[start] === FOUR && buf[start + 1] === TWO),
  control: (payload, member) => {
    if (payload.startsWith('0')) return { reply: text(`40${JSON.stringify({ room: member.room })}`) };
    if (payload.startsWith('40')) return { joined: true };
    if (payload.startsWith('44')) return { error: payload };
    if (payload === '2') return { reply: text('3') };
    return {};
  },
  publish: (room, message) => text(`421${JSON.stringify(['message', room, message])}`),
};
