/** One text frame that must be answered with an error of this code, in a session that is logged in. */
export interface BadFrameRow {
  name: string;
  text: string;
  code: string;
  /** The `id` that the error must carry. */
  id?: string;
}

/** A room that the session is a member of. */
export const ROOM = 'hall';

const row = (name: string, code: string, text: string): BadFrameRow => ({ name, code, text });
const frame = (name: string, code: string, value: object): BadFrameRow => ({
  name,
  code,
  text: JSON.stringify({ id: 'row', ...value }),
  id: 'row',
});

const notJson: BadFrameRow[] = [
  ['an unfinished object', '{bad'],
  ['nothing', ''],
  ['half a null', 'nul'],
  ['NaN', 'NaN'],
  ['a byte order mark', '\ufeff{"type":"ping"}'],
  ['a trailing comma', '{"type":"ping",}'],
  ['two documents', '{"type":"ping"}{"type":"ping"}'],
  ['only spaces', ' '.repeat(65_535)],
  ['single quotes', "{'type':'ping'}"],
  ['a comment', '{"type":"ping"} // hi'],
].map(([name = '', text = '']) => row(name, 'bad_frame', text));

const notAFrame: BadFrameRow[] = [
  ...['null', '[]', '1', '"x"', 'true', '{}', '[{"type":"ping"}]'].map((t) =>
    row(`the document ${t}`, 'bad_frame', t),
  ),
  ...[
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'valueOf',
    'nope',
    '',
    'Ping',
    'ping ',
    'welcome',
    'ack',
  ].map((type) => frame(`the type ${JSON.stringify(type)}`, 'bad_frame', { type })),
  ...[null, 1, true, [], ['ping'], {}].map((type) =>
    frame(`the type ${JSON.stringify(type)}`, 'bad_frame', { type }),
  ),
  frame('a type of 10 kB', 'bad_frame', { type: 'x'.repeat(10_000) }),
  row('two types', 'bad_frame', '{"type":"ping","type":"nope"}'),
  row('only __proto__', 'bad_frame', '{"__proto__":{"type":"ping"}}'),
];

const shape: BadFrameRow[] = [
  frame('an unknown field', 'bad_request', { type: 'ping', extra: 1 }),
  frame('5,000 unknown fields', 'bad_request', {
    type: 'ping',
    ...Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`k${i}`, 1])),
  }),
  row('an id that is a number', 'bad_request', '{"type":"ping","id":1}'),
  row('an id of 65 characters', 'bad_request', JSON.stringify({ type: 'ping', id: 'x'.repeat(65) })),
  row('an own __proto__', 'bad_request', '{"type":"ping","__proto__":{"admin":true}}'),
  row('a constructor', 'bad_request', '{"type":"ping","constructor":{"prototype":{"admin":true}}}'),
  row(
    'the sender in the payload',
    'bad_request',
    `{"type":"message","room":"${ROOM}","text":"x","from":"bob"}`,
  ),
  row('a seq in the payload', 'bad_request', `{"type":"message","room":"${ROOM}","text":"x","seq":7}`),
  row(
    'a nesting of 10,000',
    'bad_request',
    `{"type":"message","room":"${ROOM}","text":"x","data":{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}}`,
  ),
  row(
    '__proto__ in data',
    'bad_request',
    `{"type":"message","room":"${ROOM}","text":"x","data":{"__proto__":{"admin":true}}}`,
  ),
  row('NUL in data', 'bad_request', `{"type":"message","room":"${ROOM}","text":"x","data":{"a":"\\u0000"}}`),
  row(
    'a lone surrogate in data',
    'bad_request',
    `{"type":"message","room":"${ROOM}","text":"x","data":{"a":"\\ud800"}}`,
  ),
  ...[null, 'x', 1, [], [1]].map((data) =>
    frame(`data that is ${JSON.stringify(data)}`, 'bad_request', {
      type: 'message',
      room: ROOM,
      text: 'x',
      data,
    }),
  ),
  frame('neither room nor to', 'bad_request', { type: 'message', text: 'x' }),
  frame('both room and to', 'bad_request', { type: 'message', room: ROOM, to: 'bob', text: 'x' }),
  frame('no text', 'bad_request', { type: 'message', room: ROOM }),
  ...['join', 'leave', 'group_join', 'group_leave', 'history'].map((type) =>
    frame(`${type} without a room`, 'bad_request', { type }),
  ),
  ...[null, 1, true, {}, [ROOM]].map((room) =>
    frame(`a room that is ${JSON.stringify(room)}`, 'bad_request', { type: 'join', room }),
  ),
];

const numbers: BadFrameRow[] = [
  ...['before', 'after', 'limit'].flatMap((field) =>
    ['-1', '1.5', '1e308', '1e400', '9007199254740992', '"12"', 'null', '[1]', '{}', 'true'].map((value) =>
      row(
        `history with ${field} ${value}`,
        'bad_request',
        `{"type":"history","room":"${ROOM}","${field}":${value}}`,
      ),
    ),
  ),
  row('history with limit 0', 'bad_request', `{"type":"history","room":"${ROOM}","limit":0}`),
  ...['-1', '1.5', '"3"', '9007199254740992', 'null'].map((value) =>
    row(`hello with resume at ${value}`, 'bad_request', `{"type":"hello","resume":{"${ROOM}":${value}}}`),
  ),
];

const texts: BadFrameRow[] = [
  ...[null, 1, true, ['x'], { a: 1 }].map((text) =>
    frame(`a text that is ${JSON.stringify(text)}`, 'bad_request', { type: 'message', room: ROOM, text }),
  ),
  row('NUL in the text', 'bad_request', `{"type":"message","room":"${ROOM}","text":"a\\u0000b"}`),
  row('a lone high surrogate', 'bad_request', `{"type":"message","room":"${ROOM}","text":"\\ud83d"}`),
  row('a lone low surrogate', 'bad_request', `{"type":"message","room":"${ROOM}","text":"\\ude00 x"}`),
  frame('4,001 characters', 'bad_request', { type: 'message', room: ROOM, text: 'é'.repeat(4_001) }),
  frame('4,001 characters of four bytes', 'bad_request', {
    type: 'message',
    room: ROOM,
    text: '🎭'.repeat(4_001),
  }),
  frame('an empty clientId', 'bad_request', { type: 'message', room: ROOM, text: 'x', clientId: '' }),
  frame('a clientId of 65 characters', 'bad_request', {
    type: 'message',
    room: ROOM,
    text: 'x',
    clientId: 'x'.repeat(65),
  }),
  frame('a clientId that is a number', 'bad_request', {
    type: 'message',
    room: ROOM,
    text: 'x',
    clientId: 7,
  }),
  row(
    'NUL in the clientId',
    'bad_request',
    `{"type":"message","room":"${ROOM}","text":"x","clientId":"\\u0000"}`,
  ),
];

/** What must never reach a subject, a key or a path. The forged command names a subject that a spy would see. */
export const FORGED_SUBJECT = 'forged.by.a.room';
export const badIds: readonly string[] = [
  '',
  '.',
  '..',
  'a.b',
  'a.>',
  '>',
  '*',
  'a.*',
  'a b',
  ' a',
  'a ',
  'a\n',
  'a\r\n',
  `a\r\nPUB ${FORGED_SUBJECT} 2\r\nhi\r\n`,
  `a 2\r\nhi\r\nSUB ${FORGED_SUBJECT} 99\r\n`,
  'a\tb',
  'a\u0000b',
  '%00',
  'room:{x}',
  '../../etc/passwd',
  "' or 1=1--",
  'аlice',
  'ａ',
  'x'.repeat(65),
  'x'.repeat(5_000),
];

const ids: BadFrameRow[] = badIds.flatMap((id) => {
  const shown = JSON.stringify(id.length > 70 ? `${id.slice(0, 10)}… of ${id.length}` : id);
  return [
    frame(`a message to the room ${shown}`, 'bad_request', { type: 'message', room: id, text: 'x' }),
    frame(`a message to the user ${shown}`, 'bad_request', { type: 'message', to: id, text: 'x' }),
    ...['join', 'leave', 'group_join', 'group_leave', 'history'].map((type) =>
      frame(`${type} of ${shown}`, 'bad_request', { type, room: id }),
    ),
    row(`resume of ${shown}`, 'bad_request', JSON.stringify({ type: 'hello', resume: { [id]: 1 } })),
  ];
});

export const badFrames: readonly BadFrameRow[] = [
  ...notJson,
  ...notAFrame,
  ...shape,
  ...numbers,
  ...texts,
  ...ids,
];

/** Texts that are unusual but right: they must come back exactly as they went. */
export const oddTexts: readonly { name: string; text: string }[] = [
  { name: 'right-to-left override', text: 'abc\u202edef' },
  { name: 'zero-width characters', text: 'a\u200b\u200d\ufeffb' },
  { name: '4,000 characters of four bytes', text: '🎭'.repeat(4_000) },
  { name: '3,999 combining marks', text: `a${'\u0301'.repeat(3_999)}` },
  { name: 'a composed é', text: 'caf\u00e9' },
  { name: 'a decomposed é', text: 'cafe\u0301' },
  { name: 'line breaks', text: 'one\r\ntwo\nthree' },
  { name: 'ANSI escapes', text: '\u001b[31mred\u001b[0m\u0007' },
  { name: 'markup', text: '<script>alert("x")</script>' },
  { name: 'JSON', text: '","seq":1,"type":"ack"}\\' },
  { name: 'line separators of JavaScript', text: 'a\u2028b\u2029c' },
  { name: 'a NATS command', text: `\r\nPUB ${FORGED_SUBJECT} 2\r\nhi\r\n` },
  { name: 'SQL', text: `'; drop table messages; -- $1 \\'` },
];
