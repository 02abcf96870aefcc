import { subjects } from '@troupe/protocol';
import type { Subject, SubjectPattern } from '@troupe/protocol';
import { assertPattern, assertQueue, assertSubject } from './subject-guard';

const ILLEGAL: [string, string][] = [
  ['a space', 'a b'],
  ['a line break that forges a command', 'a\r\nPUB x 2'],
  ['a lone line feed', 'a\n'],
  ['a tab', 'a\tb'],
  ['a NUL', 'a\u0000b'],
  ['a control character', 'a\u007f'],
  ['a letter outside ASCII', 'ä.b'],
  ['nothing', ''],
  ['an empty token', 'a..b'],
  ['an empty first token', '.a'],
  ['an empty last token', 'a.'],
  ['5 kB', 'a'.repeat(5_000)],
  ['5 kB in tokens', 'ab.'.repeat(1_700) + 'x'],
];

describe('subjects to publish to', () => {
  it.each([...ILLEGAL, ['a star', 'a.*'], ['a tail', 'a.>'], ['a star within a token', 'a*b']])(
    'may not be or hold %s',
    (_what, subject) => {
      expect(() => assertSubject(subject as Subject)).toThrow(RangeError);
      // Not remembered as good either.
      expect(() => assertSubject(subject as Subject)).toThrow(RangeError);
    },
  );

  it.each([
    subjects.publish,
    subjects.partition(255),
    subjects.roomEvents('a_-Z9'),
    '_INBOX.aB3.x',
    '$JS.ACK',
  ])('may be %s', (subject) => expect(() => assertSubject(subject as Subject)).not.toThrow());

  it('stay checked when more come by than are remembered', () => {
    for (let i = 0; i < 20_000; i++) assertSubject(`room.${i}` as Subject);
    expect(() => assertSubject('room.1 x' as Subject)).toThrow(RangeError);
    expect(() => assertSubject('room.1' as Subject)).not.toThrow();
  });

  it('never repeat what was refused in the error', () => {
    expect(() => assertSubject('secret value' as Subject)).toThrow(/^not a legal subject$/);
  });
});

describe('subjects to subscribe to', () => {
  it.each([
    ...ILLEGAL,
    ['a tail that is not last', 'a.>.b'],
    ['a star within a token', 'a*'],
    ['two stars', '**'],
  ])('may not be or hold %s', (_what, pattern) =>
    expect(() => assertPattern(pattern as SubjectPattern)).toThrow(RangeError),
  );

  it.each([subjects.allRoomEvents, subjects.allPresence, subjects.ownership, 'a.>', '>', '*', '*.*.x'])(
    'may be %s',
    (pattern) => expect(() => assertPattern(pattern as SubjectPattern)).not.toThrow(),
  );
});

describe('queue names', () => {
  it.each(['', 'a b', 'a.b', 'a\r\n', '*', 'a'.repeat(65)])('may not be %j', (queue) =>
    expect(() => assertQueue(queue)).toThrow(RangeError),
  );
});
