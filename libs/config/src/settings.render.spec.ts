import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { settingKeys, variableOf } from './settings.catalogue';
import { parseSettings } from './settings.parse';
import { renderEnvExample, renderSettingsTable } from './settings.render';

describe('.env.example', () => {
  it('in the repository is what the catalogue says; else run libs/config/src/cli/env-example.ts', () => {
    const committed = readFileSync(join(__dirname, '../../../.env.example'), 'utf8');
    expect(committed).toBe(renderEnvExample());
  });

  it('gives the defaults when all of it is put in force', () => {
    const lines = renderEnvExample().match(/^#[A-Z0-9_]+=.*$/gm) ?? [];
    const env = Object.fromEntries(
      lines.map((line) => [line.slice(1, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
    expect(Object.keys(env)).toEqual(settingKeys.map(variableOf));
    expect(parseSettings(env)).toEqual(parseSettings({}));
  });

  it('states meaning, unit, default, bounds, users and relations of a setting', () => {
    expect(renderEnvExample()).toContain(
      [
        '# How often leases are renewed.',
        '# Unit: milliseconds. Default: 500. Values: 50 to 20000. Used by: room-actor.',
        '# Must be at most a third of LEASE_TTL_MS: two renewals may be lost before the third is due.',
        '#LEASE_RENEW_MS=500',
      ].join('\n'),
    );
  });

  it('keeps its lines short enough to read', () => {
    for (const line of renderEnvExample().split('\n')) expect(line.length).toBeLessThanOrEqual(110);
  });
});

describe('The table of settings', () => {
  it('has one row of six columns for each setting', () => {
    const rows = renderSettingsTable().match(/^\| `.*$/gm) ?? [];
    expect(rows.map((row) => row.split(/(?<!\\)\|/).length)).toEqual(settingKeys.map(() => 8));
  });
});
