import { servePeer, textFrame } from './peer';

// `ws` for reading; each message's frame is built once and written to each socket.
servePeer((members, data) => {
  const frame = textFrame(data);
  for (const { socket } of members) socket.write(frame);
});
