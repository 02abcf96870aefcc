import { dataSchema } from './client-frames';

const ok = (value: unknown): boolean => dataSchema.safeParse(value).success;

describe('dataSchema', () => {
  it('takes ordinary JSON objects, also with a backslash that only looks like an escape', () => {
    expect(ok({ a: [1, { b: 'text' }], c: null })).toBe(true);
    expect(ok({ a: 'C:\\u0000' })).toBe(true);
  });

  it('refuses depth without overflowing the stack', () => {
    expect(ok(JSON.parse(`{"a":${'['.repeat(15_000)}${']'.repeat(15_000)}}`))).toBe(false);
    expect(ok(JSON.parse(`{"a":${'['.repeat(15)}${']'.repeat(15)}}`))).toBe(true);
    expect(ok(JSON.parse(`{"a":${'['.repeat(16)}${']'.repeat(16)}}`))).toBe(false);
  });

  it('refuses what a JSON column cannot hold, in values and in keys', () => {
    expect(ok({ a: ['\u0000'] })).toBe(false);
    expect(ok({ a: { 'k\u0000': 1 } })).toBe(false);
    expect(ok({ a: '\ud800' })).toBe(false);
    expect(ok({ '\udfff': 1 })).toBe(false);
    expect(ok(JSON.parse('{"a":1e400}'))).toBe(false);
  });
});
