import { SubjectMatcher } from './subject-matcher';

describe('a pattern', () => {
  it.each([
    ['a.b', 'a.b', true],
    ['a.b', 'a.bc', false],
    ['a.b', 'a', false],
    ['a.*', 'a.b', true],
    ['a.*', 'a', false],
    ['a.*', 'a.b.c', false],
    ['a.*', 'ab.c', false],
    ['a.*.c', 'a.b.c', true],
    ['a.*.c', 'a.b.d', false],
    ['*.b', 'a.b', true],
    ['*', 'a', true],
    ['*', 'a.b', false],
    ['a.>', 'a.b', true],
    ['a.>', 'a.b.c', true],
    ['a.>', 'a', false],
    ['>', 'a', true],
    ['*.>', 'a', false],
    ['*.>', 'a.b', true],
  ])('%s against %s is %s', (pattern, subject, matches) => {
    expect(new SubjectMatcher(pattern).matches(subject)).toBe(matches);
  });
});
