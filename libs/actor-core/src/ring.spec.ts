import { Ring } from './ring';

const message = (bytes: number): Uint8Array => new Uint8Array(bytes);

describe('a ring', () => {
  it('gives seqs that go on from the head it began with', () => {
    const ring = new Ring({ messagesMax: 10, bytesMax: 1_000 }, 41);
    expect([ring.head, ring.floor, ring.length]).toEqual([41, 41, 0]);
    expect([ring.append(message(1)), ring.append(message(1))]).toEqual([42, 43]);
    expect([ring.head, ring.floor, ring.length]).toEqual([43, 41, 2]);
  });

  it('gives back the very bytes that it was given, and nothing for what it does not keep', () => {
    const ring = new Ring({ messagesMax: 2, bytesMax: 1_000 }, 0);
    const kept = [message(1), message(2), message(3)];
    for (const m of kept) ring.append(m);
    expect(ring.get(0)).toBeUndefined();
    expect(ring.get(1)).toBeUndefined();
    expect(ring.get(2)).toBe(kept[1]);
    expect(ring.get(3)).toBe(kept[2]);
    expect(ring.get(4)).toBeUndefined();
  });

  it('drops the oldest past its bound in messages', () => {
    const ring = new Ring({ messagesMax: 3, bytesMax: 1_000 }, 0);
    for (let i = 0; i < 10; i++) ring.append(message(1));
    expect([ring.floor, ring.head, ring.length, ring.byteLength]).toEqual([7, 10, 3, 3]);
  });

  it('drops as many as it takes past its bound in bytes', () => {
    const ring = new Ring({ messagesMax: 100, bytesMax: 10 }, 0);
    for (let i = 0; i < 5; i++) ring.append(message(2));
    expect(ring.length).toBe(5);
    ring.append(message(7));
    expect([ring.floor, ring.byteLength]).toEqual([4, 9]);
  });

  it('keeps one message, however large', () => {
    const ring = new Ring({ messagesMax: 100, bytesMax: 10 }, 0);
    ring.append(message(2));
    ring.append(message(50));
    expect([ring.floor, ring.head, ring.byteLength]).toEqual([1, 2, 50]);
  });

  it('keeps every message through each growth of its table', () => {
    const ring = new Ring({ messagesMax: 1_000, bytesMax: 1_000_000 }, 5);
    const kept = Array.from({ length: 1_500 }, (_, i) => message(i % 7));
    for (const m of kept) ring.append(m);
    expect(ring.floor).toBe(505);
    for (let seq = 506; seq <= 1_505; seq++) expect(ring.get(seq)).toBe(kept[seq - 6]);
  });
});
