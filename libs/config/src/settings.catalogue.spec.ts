import type { Setting } from './setting';
import { catalogue, settingGroups, settingKeys, variableOf } from './settings.catalogue';
import { relations } from './settings.relations';

describe('The catalogue of settings', () => {
  it.each(settingKeys)('%s has a default that its own reader takes and gives back unchanged', (key) => {
    const setting: Setting<unknown> = catalogue[key];
    if (setting.defaultText === '') return expect(setting.fallback ?? []).toEqual([]);
    expect(setting.read(setting.defaultText)).toEqual({ ok: true, value: setting.fallback });
  });

  it.each(settingKeys)('%s says in full sentences what it means, and who uses it', (key) => {
    const { meaning, usedBy, bounds } = catalogue[key];
    expect(meaning).toMatch(/^[A-Z:].*\.$/);
    expect(usedBy.length).toBeGreaterThan(0);
    expect(bounds).not.toBe('');
  });

  it('shows each setting in exactly one group', () => {
    expect(settingGroups.flatMap(({ keys }) => keys)).toEqual(settingKeys);
  });

  it('names variables in capitals with underscores', () => {
    expect(variableOf('leaseTtlMs')).toBe('LEASE_TTL_MS');
    expect(variableOf('argon2QueueMax')).toBe('ARGON2_QUEUE_MAX');
    expect(variableOf('tokenTtlS')).toBe('TOKEN_TTL_S');
    expect(new Set(settingKeys.map(variableOf)).size).toBe(settingKeys.length);
  });

  it.each(relations.map((r) => [r.key, r.rule, r] as const))('default %s is %s', (_key, _rule, relation) => {
    const { key, other, holds } = relation;
    expect(holds(catalogue[key].fallback, catalogue[other].fallback)).toBe(true);
  });
});
