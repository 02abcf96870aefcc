import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { parseSettings, renderSettingsTable } from '@troupe/config';
import { renderMetricsTable } from '@troupe/observability';
import {
  CloseCode,
  ERROR_CODES,
  GAP_REASONS,
  HTTP_STATUS,
  type Message,
  type ServerFrame,
  type ServerFrameType,
  clientFrames,
  encodeAck,
  encodeGap,
  encodeMessageFrame,
  parseClientFrame,
  subjects,
} from '@troupe/protocol';
import { connectionSettings } from '../../apps/gateway/src/ws/connection.settings';

const root = join(__dirname, '..', '..');
const text = (path: string): string => readFileSync(join(root, path), 'utf8');

/** The part of a document under a heading, up to the next one of the same rank or above. */
function section(path: string, heading: string): string {
  const lines = text(path).split('\n');
  const start = lines.indexOf(heading);
  if (start < 0) throw new Error(`${path} has no ${heading}`);
  const rank = heading.indexOf(' ');
  const length = lines.slice(start + 1).findIndex((l) => /^#+ /.test(l) && l.indexOf(' ') <= rank);
  return lines.slice(start, length < 0 ? undefined : start + 1 + length).join('\n');
}

/** The first column of a table's rows, without code quotes. */
function firstColumn(part: string): string[] {
  return [...part.matchAll(/^\| (.+?) \|/gm)]
    .map(([, cell]) => cell ?? '')
    .filter((cell) => !/^-+$/.test(cell))
    .slice(1)
    .map((cell) => cell.replaceAll('`', ''));
}

const examples = (part: string): string[] =>
  [...part.matchAll(/```json\n([^`]*)```/g)].flatMap(([, block]) => (block ?? '').trim().split('\n'));

const names = (column: string[]): string[] => column.flatMap((cell) => cell.split(', ')).sort();

describe('docs/protocol.md', () => {
  const doc = 'docs/protocol.md';
  const fromClients = section(doc, '### Frames that a client sends');
  const fromServer = section(doc, '### Frames that the server sends');

  it('lists every frame that a client may send, with examples that the parser takes', () => {
    const types = Object.keys(clientFrames).sort();
    expect(names(firstColumn(fromClients))).toEqual(types);
    const frames = examples(fromClients).map((example) => parseClientFrame(example));
    for (const frame of frames) expect(frame).not.toHaveProperty('problem');
    expect([...new Set(frames.map((f) => ('type' in f ? f.type : '')))].sort()).toEqual(types);
  });

  it('lists every frame that the server sends, with an example of each', () => {
    // A type that is added to the protocol does not compile here before it is added.
    const all = {
      welcome: true,
      message: true,
      ack: true,
      joined: true,
      left: true,
      member: true,
      room: true,
      gap: true,
      history: true,
      pong: true,
      error: true,
      bye: true,
    } satisfies Record<ServerFrameType, true>;
    const types = Object.keys(all).sort();
    expect(names(firstColumn(fromServer))).toEqual(types);
    expect(
      examples(fromServer)
        .map((e) => (JSON.parse(e) as ServerFrame).type)
        .sort(),
    ).toEqual(types);
    for (const reason of GAP_REASONS) expect(fromServer).toContain(`\`${reason}\``);
  });

  it('shows acks, messages and gaps byte for byte as they are encoded', () => {
    const example = (type: string): string =>
      examples(fromServer).find((e) => e.startsWith(`{"type":"${type}"`)) ?? '';
    const parse = <T>(type: string): T => JSON.parse(example(type)) as T;
    expect(encodeAck(parse<Parameters<typeof encodeAck>[0]>('ack'))).toBe(example('ack'));
    expect(encodeMessageFrame(parse<Message>('message'))).toBe(example('message'));
    expect(encodeGap(parse<Parameters<typeof encodeGap>[0]>('gap'))).toBe(example('gap'));
  });

  it('lists every close code under its name', () => {
    const rows = [...section(doc, '### Close codes').matchAll(/^\| (\d+) \| `(\w+)` \|/gm)];
    expect(Object.fromEntries(rows.map(([, code, name]) => [name, Number(code)]))).toEqual(CloseCode);
  });

  it('lists every error code with its HTTP status', () => {
    const rows = [...section(doc, '### Error codes').matchAll(/^\| `(\w+)` \| (\d+) \|/gm)];
    expect(Object.fromEntries(rows.map(([, code, status]) => [code, Number(status)]))).toEqual(HTTP_STATUS);
    expect(rows.map(([, code]) => code)).toEqual([...ERROR_CODES]);
  });

  it('lists every subject, public and internal', () => {
    const built = {
      publish: subjects.publish,
      roomEvents: subjects.roomEvents('room'),
      allRoomEvents: subjects.allRoomEvents,
      presence: subjects.presence('user'),
      allPresence: subjects.allPresence,
      partition: subjects.partition(7),
      gateway: subjects.gateway('edge'),
      unserved: subjects.unserved('edge', 7),
      allUnserved: subjects.allUnserved('edge'),
      ownership: subjects.ownership,
      gatewayAlive: subjects.gatewayAlive,
      membership: subjects.membership,
      sessions: subjects.sessions,
      sessionsWanted: subjects.sessionsWanted('edge'),
      presenceQuery: subjects.presenceQuery,
    } satisfies Record<keyof typeof subjects, string>;
    const concrete = Object.values<string>(built).filter((subject) => !subject.includes('*'));
    const documented = firstColumn(section(doc, '## Subjects'))
      .filter((cell) => cell.startsWith('troupe.'))
      .map((cell) => cell.replace('<n>', '7').replace(/<(\w+)>/g, '$1'));
    expect(documented.sort()).toEqual(concrete.sort());
  });
});

describe('docs/operations.md', () => {
  const operations = text('docs/operations.md');

  it('has the table of settings as the catalogue renders it', () => {
    expect(operations).toContain(`\n${renderSettingsTable()}`);
  });

  it('has the table of metrics as the catalogue renders it', () => {
    expect(operations).toContain(`\n${renderMetricsTable()}`);
  });

  it('has the bound of one socket as the gateway computes it', () => {
    const { closeBytes } = connectionSettings(parseSettings({})).outlet;
    expect(section('docs/operations.md', '## Memory')).toContain(
      `| **together** | **${closeBytes.toLocaleString('en-US')}** |`,
    );
  });

  it('names only settings that exist', () => {
    const known = new Set([...text('.env.example').matchAll(/^#([A-Z0-9_]+)=/gm)].map(([, name]) => name));
    for (const document of ['README.md', 'docs/architecture.md', 'docs/protocol.md', 'docs/operations.md']) {
      const prefixes = [...known].map((name) => name?.split('_')[0]);
      const used = (text(document).match(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g) ?? []).filter((name) =>
        prefixes.includes(name.split('_')[0]),
      );
      expect({ document, unknown: used.filter((name) => !known.has(name) && !FOREIGN.has(name)) }).toEqual({
        document,
        unknown: [],
      });
    }
  });
});

/** Variables of the compose file and of nats.conf, which are not Troupe's. */
const FOREIGN = new Set(['NATS_PASSWORD', 'NATS_SERVICE_PASSWORD', 'NODE_OPTIONS']);

describe('the decisions', () => {
  const files = readdirSync(join(root, 'docs/adr')).filter((file) => file !== 'README.md');

  it('are numbered without holes, and have the same parts', () => {
    expect(files.map((file) => Number(file.slice(0, 4)))).toEqual(files.map((_, i) => i + 1));
    for (const file of files) {
      const adr = text(`docs/adr/${file}`);
      expect(file).toMatch(/^\d{4}-[a-z0-9-]+\.md$/);
      expect(adr).toMatch(new RegExp(`^# ${file.slice(0, 4)} `));
      for (const part of ['| date |', '## Context', '## Decision', '## Consequences', '## Rejected']) {
        expect({ file, has: adr.includes(part) ? part : `no ${part}` }).toEqual({ file, has: part });
      }
    }
  });

  it('are all in the index, under their titles', () => {
    const index = [...text('docs/adr/README.md').matchAll(/^\| \[(\d{4})\]\(([^)]+)\) \| (.+?) \|/gm)];
    expect(index.map(([, , file]) => file)).toEqual(files);
    for (const [, number, file, title] of index) {
      expect(text(`docs/adr/${file ?? ''}`).split('\n')[0]).toBe(`# ${number ?? ''} ${title ?? ''}`);
    }
  });
});

describe('the documents', () => {
  const documents = [
    'README.md',
    'CHANGELOG.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
    ...['docs', 'docs/adr'].flatMap((folder) =>
      readdirSync(join(root, folder))
        .filter((file) => file.endsWith('.md'))
        .map((file) => `${folder}/${file}`),
    ),
  ];

  const anchors = (path: string): string[] =>
    [...text(path).matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
      (heading ?? '')
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    );

  it.each(documents)('link only to what is there: %s', (document) => {
    for (const [, target = ''] of text(document).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [file = '', anchor] = target.split('#');
      const path = file === '' ? document : relative(root, join(root, dirname(document), file));
      expect({ target, exists: existsSync(join(root, path)) }).toEqual({ target, exists: true });
      if (anchor !== undefined) expect(anchors(path)).toContain(anchor);
    }
  });

  it.each(documents)('name only files that are there: %s', (document) => {
    for (const [, path = ''] of text(document).matchAll(/`((?:apps|libs|test|deploy|docs)\/[^`\s*]+)`/g)) {
      expect({ path, exists: existsSync(join(root, path)) }).toEqual({ path, exists: true });
    }
  });
});
