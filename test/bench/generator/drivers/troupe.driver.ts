import { Opcode, clientFrame } from '../client-frame';
import { FrameScanner } from '../scanner';
import type { ControlMeaning, Driver } from './driver';

// `{"type":"message"` and no other type differ at these places: the 10th and 12th character.
const M = 0x6d;
const S = 0x73;

interface Frame {
  type?: string;
  code?: string;
  message?: string;
  reason?: string;
  from?: number;
  to?: number;
}

function control(payload: string): ControlMeaning {
  if (payload.startsWith('{"type":"ack"')) return {};
  const frame = JSON.parse(payload) as Frame;
  switch (frame.type) {
    case 'welcome':
      return { joined: true };
    case 'gap':
      return { gap: { from: Number(frame.from), to: Number(frame.to) } };
    case 'error':
      return { error: `${frame.code}: ${frame.message}` };
    case 'bye':
      return { error: `bye: ${frame.reason}` };
    default:
      return {};
  }
}

/** Troupe's own frames: `hello` with a token, then `message` to the room. */
export const troupeDriver: Driver = {
  path: () => '/v1/ws',
  subprotocol: 'troupe.v1',
  joinedByUpgrade: false,
  greet: (member) => [
    clientFrame(Opcode.text, JSON.stringify({ type: 'hello', token: member.token, device: 'bench' })),
  ],
  scanner: (sink) => new FrameScanner(sink, (buf, start) => buf[start + 9] === M && buf[start + 11] === S),
  control: (payload) => control(payload),
  publish: (room, text) => clientFrame(Opcode.text, JSON.stringify({ type: 'message', room, text })),
  seqOf: (payload) => Number((JSON.parse(payload) as { seq: number }).seq),
};
