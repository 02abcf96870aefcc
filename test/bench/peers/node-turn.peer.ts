import { type PeerMember, servePeer, textFrame } from './peer';

// The floor of what Node can do: frames built once, and one write for each socket and turn.
const pending = new Map<Set<PeerMember>, Buffer[]>();

function flush(): void {
  for (const [members, frames] of pending) {
    const bytes = frames.length === 1 ? (frames[0] as Buffer) : Buffer.concat(frames);
    for (const { socket } of members) socket.write(bytes);
  }
  pending.clear();
}

servePeer((members, data) => {
  if (pending.size === 0) setImmediate(flush);
  const frames = pending.get(members);
  if (frames === undefined) pending.set(members, [textFrame(data)]);
  else frames.push(textFrame(data));
});
