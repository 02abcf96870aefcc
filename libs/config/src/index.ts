export { BadSettings, type SettingProblem } from './bad-settings.error';
export { DATA_DIR_IN_MEMORY, LOG_LEVELS, type LogLevel } from './catalogue/common.settings';
export { SERVICE_NAMES, type ServiceName } from './service.names';
export { defaultHealthPort, healthPortOf, MissingUrls, requireUrls, type WithUrlsOf } from './service.urls';
export type { SettingKey, Settings } from './settings.catalogue';
export { parseSettings } from './settings.parse';
export { renderEnvExample, renderSettingsTable } from './settings.render';
