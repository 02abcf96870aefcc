import { ID_PATTERN } from '@troupe/protocol';
import fc from 'fast-check';
import { isPrivateRoomId, privateRoomId } from './private-room';

const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);

describe('privateRoomId', () => {
  it('is an id, of the form kept for private rooms, whoever asks first', () => {
    fc.assert(
      fc.property(id, id, (a, b) => {
        const room = privateRoomId(a, b);
        expect(room).toMatch(ID_PATTERN);
        expect(isPrivateRoomId(room)).toBe(true);
        expect(privateRoomId(b, a)).toBe(room);
      }),
    );
  });

  it('differs for different pairs', () => {
    fc.assert(
      fc.property(id, id, id, id, (a, b, c, d) => {
        fc.pre([a, b].sort().join() !== [c, d].sort().join());
        expect(privateRoomId(a, b)).not.toBe(privateRoomId(c, d));
      }),
    );
    // The pair is not just its letters put together.
    expect(privateRoomId('ab', 'c')).not.toBe(privateRoomId('a', 'bc'));
  });

  it('stays what it is: rooms would be lost if it changed', () => {
    expect(privateRoomId('alice', 'bob')).toBe('p-Qgei1eNPA_k22ZsfG487xYgRnx1pOlvc');
  });

  it('leaves other ids free', () => {
    expect(isPrivateRoomId('p-team')).toBe(false);
    expect(isPrivateRoomId('lobby')).toBe(false);
  });
});
