import type { Setting } from './setting';
import { catalogue, settingGroups, variableOf, type SettingKey } from './settings.catalogue';
import { relations } from './settings.relations';

const WIDTH = 110;

function rulesOf(key: SettingKey): string[] {
  return relations
    .filter((relation) => relation.key === key)
    .map((relation) => `${relation.rule}: ${relation.because}`);
}

function wrapped(sentence: string): string[] {
  const lines: string[] = [];
  let line = '#';
  for (const word of sentence.split(' ')) {
    if (line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = '#';
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

function facts(key: SettingKey): string {
  const { unit, defaultText, bounds, usedBy } = catalogue[key] as Setting<unknown>;
  const measure = unit === null ? '' : `Unit: ${unit}. `;
  return `${measure}Default: ${defaultText || 'unset'}. Values: ${bounds}. Used by: ${usedBy.join(', ')}.`;
}

/**
 * Gives the text of `.env.example`: every setting with its meaning, unit, default, bounds and relations, commented out
 * so that a copy runs with the defaults of the version it is used with.
 */
export function renderEnvExample(): string {
  const lines = [
    '# Every setting of Troupe. Generated from libs/config; a spec fails when it is out of date.',
    '# An unset or empty variable means its default. A bad value stops the start and names the variable.',
  ];
  for (const { title, keys } of settingGroups) {
    lines.push('', `# ── ${title} ${'─'.repeat(WIDTH - 6 - title.length)}`);
    for (const key of keys) {
      lines.push('', ...wrapped(catalogue[key].meaning), ...wrapped(facts(key)));
      for (const rule of rulesOf(key)) lines.push(...wrapped(`Must be ${rule}.`));
      lines.push(`#${variableOf(key)}=${catalogue[key].defaultText}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

const cell = (content: string): string => content.replaceAll('|', '\\|');

/** Gives the settings as Markdown, one table a group, for the documents. */
export function renderSettingsTable(): string {
  const blocks = settingGroups.map(({ title, keys }) => {
    const rows = keys.map((key) => {
      const { meaning, unit, defaultText, bounds, usedBy } = catalogue[key] as Setting<unknown>;
      const about = [meaning, ...rulesOf(key).map((rule) => `Must be ${rule}.`)].join(' ');
      const columns = [
        `\`${variableOf(key)}\``,
        defaultText === '' ? 'unset' : `\`${defaultText}\``,
        unit ?? '',
        bounds,
        usedBy.join(', '),
        about,
      ];
      return `| ${columns.map(cell).join(' | ')} |`;
    });
    return [
      `### ${title}`,
      '',
      '| variable | default | unit | values | used by | meaning |',
      '| --- | --- | --- | --- | --- | --- |',
      ...rows,
    ].join('\n');
  });
  return `${blocks.join('\n\n')}\n`;
}
