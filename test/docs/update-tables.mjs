// Writes the tables of settings and metrics into docs/operations.md, as the built catalogues render them.
//   npm run build && node test/docs/update-tables.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { renderSettingsTable } = require('../../dist/libs/config/src/index.js');
const { renderMetricsTable } = require('../../dist/libs/observability/src/index.js');

const file = new URL('../../docs/operations.md', import.meta.url);

/** Puts `table` between the markers; a document without them is somebody else's, and stays as it is. */
function fill(text, marker, table) {
  const [start, end] = [`<!-- ${marker} -->\n`, `<!-- /${marker} -->`];
  const [from, to] = [text.indexOf(start) + start.length, text.indexOf(end)];
  if (from < start.length || to < from) throw new Error(`docs/operations.md has no place for ${marker}`);
  return `${text.slice(0, from)}\n${table}\n${text.slice(to)}`;
}

const text = readFileSync(file, 'utf8');
writeFileSync(file, fill(fill(text, 'settings', renderSettingsTable()), 'metrics', renderMetricsTable()));
