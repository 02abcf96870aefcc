import { authSettings } from './catalogue/auth.settings';
import { commonSettings } from './catalogue/common.settings';
import { gatewaySettings } from './catalogue/gateway.settings';
import { presenceSettings } from './catalogue/presence.settings';
import { roomActorSettings } from './catalogue/room-actor.settings';
import type { Setting } from './setting';

/** Every setting there is, by its name in {@link Settings}. */
export const catalogue = {
  ...commonSettings,
  ...roomActorSettings,
  ...gatewaySettings,
  ...authSettings,
  ...presenceSettings,
};

export type SettingKey = keyof typeof catalogue;

/** The parsed values, without the warnings. */
export type SettingValues = {
  readonly [K in SettingKey]: (typeof catalogue)[K] extends Setting<infer T> ? T : never;
};

/** What one process runs with: every setting of the catalogue, checked, and what a person should look at. */
export type Settings = SettingValues & {
  /** Sentences for the log: likely mistakes that do not stop the start. They repeat no value. */
  readonly warnings: readonly string[];
};

export const settingKeys = Object.keys(catalogue) as SettingKey[];

/** The groups in the order in which documents show them. */
export const settingGroups: readonly { title: string; keys: readonly SettingKey[] }[] = [
  { title: 'Every service', keys: Object.keys(commonSettings) as SettingKey[] },
  { title: 'Room actor', keys: Object.keys(roomActorSettings) as SettingKey[] },
  { title: 'Gateway', keys: Object.keys(gatewaySettings) as SettingKey[] },
  { title: 'Logging in', keys: Object.keys(authSettings) as SettingKey[] },
  { title: 'Presence', keys: Object.keys(presenceSettings) as SettingKey[] },
];

/** The variable of a setting: `leaseTtlMs` is `LEASE_TTL_MS`. The one place where the two names meet. */
export function variableOf(key: SettingKey): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}
