import { PARTITIONS } from './partitions';
import { subjects } from './subjects';

const builders: [string, (value: string) => string][] = [
  ['roomEvents', subjects.roomEvents],
  ['presence', subjects.presence],
  ['gateway', subjects.gateway],
  ['unserved', (value) => subjects.unserved(value, 0)],
  ['allUnserved', subjects.allUnserved],
  ['sessionsWanted', subjects.sessionsWanted],
];

const illegal: [string, string][] = [
  ['nothing', ''],
  ['two tokens', 'a.b'],
  ['a wildcard', '*'],
  ['a full wildcard', '>'],
  ['a token with a wildcard', 'a>'],
  ['a space', 'a b'],
  ['a tab', 'a\tb'],
  ['a line break', 'a\r\nPUB admin.kick 2\r\nhi'],
  ['a lone line feed', 'a\n'],
  ['a NUL', 'a\0'],
  ['a letter of another alphabet', 'а'],
  ['an emoji', '🎭'],
  ['a slash', 'a/b'],
  ['65 characters', 'a'.repeat(65)],
];

describe.each(builders)('the subject %s', (_, build) => {
  it.each(illegal)('refuses %s', (_name, value) => {
    expect(() => build(value)).toThrow(RangeError);
  });

  it('takes an id, as one token', () => {
    const id = `${'aZ09_-'.repeat(10)}abcd`;
    expect(id).toHaveLength(64);
    expect(build(id).split('.')).toContain(id);
  });

  it('refuses what is not a string', () => {
    for (const value of [null, undefined, 7, {}, ['a']]) {
      expect(() => build(value as unknown as string)).toThrow(RangeError);
    }
  });
});

describe('the subject of a partition', () => {
  it.each([-1, PARTITIONS, 1.5, NaN, Infinity, '1' as unknown as number])('refuses %s', (partition) => {
    expect(() => subjects.partition(partition)).toThrow(RangeError);
    expect(() => subjects.unserved('edge', partition)).toThrow(RangeError);
  });

  it('is one of its own for each partition', () => {
    const all = new Set(Array.from({ length: PARTITIONS }, (_, p) => subjects.partition(p)));
    expect(all.size).toBe(PARTITIONS);
    expect(subjects.partition(255)).toBe('troupe.i1.partition.255');
  });
});
