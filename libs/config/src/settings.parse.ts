import { BadSettings, type SettingProblem } from './bad-settings.error';
import type { Setting } from './setting';
import {
  catalogue,
  settingKeys,
  variableOf,
  type SettingKey,
  type Settings,
  type SettingValues,
} from './settings.catalogue';
import { relations } from './settings.relations';
import { findWarnings } from './settings.warnings';

/**
 * Reads every setting and checks each against its bounds and all against each other.
 *
 * White space around a value is ignored (secrets mounted from files end in a line break); an empty value is an unset
 * one. Throws {@link BadSettings} that lists everything wrong at once, so that a start is not mended one variable at a
 * time.
 */
export function parseSettings(env: NodeJS.ProcessEnv): Settings {
  const problems: SettingProblem[] = [];
  const values: Partial<Record<SettingKey, unknown>> = {};
  for (const key of settingKeys) {
    const setting: Setting<unknown> = catalogue[key];
    const variable = variableOf(key);
    const raw = env[variable]?.trim();
    if (!raw) {
      values[key] = setting.fallback;
      continue;
    }
    const reading = setting.read(raw);
    if (reading.ok) values[key] = reading.value;
    else problems.push({ variable, problem: reading.problem });
  }
  problems.push(...brokenRelations(values));
  if (problems.length > 0) throw new BadSettings(problems);
  return Object.freeze({ ...(values as SettingValues), warnings: findWarnings(env) });
}

/** A relation of a setting that is itself wrong says nothing new; it is looked at once both values are there. */
function brokenRelations(values: Partial<Record<SettingKey, unknown>>): SettingProblem[] {
  const problems: SettingProblem[] = [];
  for (const { key, other, rule, because, holds } of relations) {
    const [value, limit] = [values[key], values[other]];
    if (typeof value !== 'number' || typeof limit !== 'number' || holds(value, limit)) continue;
    const variable = variableOf(key);
    problems.push({
      variable,
      problem: `is ${value} and ${variableOf(other)} is ${limit}; it must be ${rule} (${because})`,
    });
  }
  return problems;
}
