import { Opcode, clientFrame } from '../client-frame';
import { FrameScanner } from '../scanner';
import type { Driver } from './driver';

/** Bare WebSocket: the room is in the path, each text frame goes to everybody in it as it came. */
export const plainDriver: Driver = {
  path: (member) => `/${member.room}`,
  joinedByUpgrade: true,
  greet: () => [],
  scanner: (sink) => new FrameScanner(sink, (_buf, _start, opcode) => opcode === Opcode.text),
  control: () => ({}),
  publish: (_room, text) => clientFrame(Opcode.text, text),
};
