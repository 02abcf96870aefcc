import { RecentMap } from './recent-map';

describe('a map of recent keys', () => {
  it('forgets the oldest key past its bound', () => {
    const map = new RecentMap<string, number>(2);
    map.set('a', 1);
    map.set('b', 2);
    map.set('c', 3);
    expect([map.get('a'), map.get('b'), map.get('c'), map.size]).toEqual([undefined, 2, 3, 2]);
  });

  it('changes a key in its place, which stays as old as it is', () => {
    const map = new RecentMap<string, number>(2);
    map.set('a', 1);
    map.set('b', 2);
    map.set('a', 3);
    expect(map.get('a')).toBe(3);
    map.set('c', 4);
    expect(map.get('a')).toBeUndefined();
    expect(map.get('b')).toBe(2);
  });

  it('forgets in order however often it goes round, and keeps nothing with a bound of zero', () => {
    const map = new RecentMap<number, number>(3);
    for (let i = 0; i < 100; i++) {
      map.set(i, i);
      expect(map.size).toBe(Math.min(i + 1, 3));
    }
    expect([96, 97, 98, 99].map((key) => map.get(key))).toEqual([undefined, 97, 98, 99]);
    const none = new RecentMap<string, number>(0);
    none.set('a', 1);
    expect(none.size).toBe(0);
  });
});
