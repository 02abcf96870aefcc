/**
 * The page at `/`, whole in one string: no build step, no request but to this gateway.
 *
 * What people write is only ever put into text nodes. It is a small but complete client: it resumes where it was,
 * sends again under the same `clientId` what has no ack, and shows gaps instead of hiding them.
 */
export const DEMO_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Troupe</title>
<style>
  :root { color-scheme: light dark; --line: #8884; --soft: #8882; --accent: #2563eb; --warn: #b45309; }
  * { box-sizing: border-box; }
  body { margin: 0; height: 100vh; display: flex; flex-direction: column; font: 15px/1.45 system-ui, sans-serif; }
  header, form { display: flex; gap: .5rem; align-items: center; flex-wrap: wrap; padding: .5rem .75rem; }
  header { border-bottom: 1px solid var(--line); }
  h1 { font-size: 1rem; margin: 0 auto 0 0; }
  main { flex: 1; min-height: 0; display: grid; grid-template-columns: 15rem 1fr; }
  nav { border-right: 1px solid var(--line); overflow: auto; padding: .5rem; }
  nav button { display: flex; width: 100%; justify-content: space-between; gap: .5rem; text-align: left; border: 0; background: none; }
  nav button[aria-current=true] { background: var(--soft); font-weight: 600; }
  section { display: flex; flex-direction: column; min-width: 0; min-height: 0; }
  ol { flex: 1; overflow: auto; margin: 0; padding: .5rem .75rem; list-style: none; }
  li { display: grid; grid-template-columns: 3.5rem 6rem 1fr auto; gap: .5rem; padding: .15rem 0; overflow-wrap: anywhere; }
  li.gap { display: block; color: var(--warn); border-block: 1px dashed currentColor; margin: .25rem 0; }
  li.waiting { opacity: .5; }
  .seq, time { color: #888; font-variant-numeric: tabular-nums; }
  .mine { color: var(--accent); }
  button, input, select { font: inherit; padding: .3rem .6rem; border: 1px solid var(--line); border-radius: .4rem; background: none; color: inherit; }
  option { color: #000; background: #fff; }
  button { cursor: pointer; } button:disabled { opacity: .4; cursor: default; }
  input.wide { flex: 1; min-width: 8rem; }
  #state { padding: .1rem .6rem; border-radius: 1rem; border: 1px solid var(--line); }
  #state.open { color: #15803d; border-color: currentColor; }
  #note { padding: .25rem .75rem; min-height: 1.9rem; color: var(--warn); border-top: 1px solid var(--line); }
  [hidden] { display: none !important; }
  @media (max-width: 40rem) { main { grid-template-columns: 1fr; grid-template-rows: auto 1fr; } nav { max-height: 8rem; border: 0; } }
</style>
</head>
<body>
<header>
  <h1>Troupe</h1>
  <span id="who"></span><span id="state" role="status">logged out</span>
  <button id="away" type="button" hidden>Disconnect</button>
</header>
<form id="login">
  <label>User <select id="user"><option>alice</option><option>bob</option><option>charlie</option></select></label>
  <label>Password <input id="password" type="password" value="password" autocomplete="off"></label>
  <button>Log in</button>
  <span>The demo users share the password that is filled in. Open a second tab for a second user.</span>
</form>
<main hidden id="chat">
  <nav aria-label="Rooms"><div id="rooms"></div></nav>
  <section>
    <form id="page"><strong id="title"></strong><button id="older">Older messages</button></form>
    <ol id="log" aria-live="polite"></ol>
    <form id="send"><input class="wide" id="text" placeholder="Message to this room" aria-label="Message to this room" autocomplete="off"><button>Send</button></form>
    <form id="private">
      <input id="to" size="10" placeholder="User" aria-label="User" autocomplete="off">
      <input class="wide" id="whisper" placeholder="Private message" aria-label="Private message" autocomplete="off"><button>Send in private</button>
    </form>
  </section>
</main>
<div id="note" role="alert"></div>
<script>
'use strict';
const $ = (id) => document.getElementById(id);
const element = (name, className, text) => {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};
const randomId = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(36)).join('');

let token = '', me = '', socket = null, current = '', attempt = 0, away = false, timer = 0;
/** room -> { kind, label, last, messages: Map(seq -> message), gaps: [{from, to, reason}], more, fresh } */
const rooms = new Map();
/** clientId -> frame: sent again after a reconnect, until there is an ack. The server makes one message of it. */
const outbox = new Map();

const note = (text) => { $('note').textContent = text; };
const setState = (text, open) => { $('state').textContent = text; $('state').className = open ? 'open' : ''; };

async function call(path, options = {}) {
  const headers = token ? { authorization: 'Bearer ' + token } : {};
  const response = await fetch(path, { ...options, headers });
  const body = await response.json();
  if (!response.ok) throw new Error(body.detail || body.error_description || response.statusText);
  return body;
}

// ── Connection ─────────────────────────────────────────────────────────────────────────────────────────────────
function connect() {
  clearTimeout(timer);
  setState('connecting', false);
  const ws = new WebSocket(location.origin.replace('http', 'ws') + '/v1/ws', 'troupe.v1');
  let retryMs = 0;
  socket = ws;
  ws.onopen = () => {
    const resume = Object.fromEntries([...rooms].map(([room, { last }]) => [room, last]));
    ws.send(JSON.stringify({ type: 'hello', token, device: 'demo page', resume }));
  };
  ws.onmessage = ({ data }) => {
    const frame = JSON.parse(data);
    if (frame.type === 'bye') retryMs = frame.retryAfterMs;
    const handle = handlers[frame.type];
    if (handle) handle(frame);
  };
  ws.onclose = ({ code, reason }) => {
    if (socket !== ws) return;
    socket = null;
    // 4500 and above, 1003 and 1009 mean: not as you are. Everything else: come back, with back-off and jitter.
    if (code >= 4500 || code === 1003 || code === 1009) return stopped('closed: ' + code + ' ' + reason);
    if (away) return setState('disconnected', false);
    retryMs = retryMs || Math.min(10000, 250 * 2 ** attempt++) * (0.5 + Math.random());
    setState('back in ' + Math.max(1, Math.round(retryMs / 1000)) + ' s (' + code + ')', false);
    timer = setTimeout(connect, retryMs);
  };
}

function stopped(why) {
  token = '';
  setState('logged out', false);
  note(why);
  $('login').hidden = false;
  $('away').hidden = true;
}

const transmit = (frame) => {
  if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
};

// ── Frames ─────────────────────────────────────────────────────────────────────────────────────────────────────
const handlers = {
  welcome(frame) {
    attempt = 0;
    setState('connected', true);
    const mine = new Set(frame.rooms.map(({ room }) => room));
    for (const room of [...rooms.keys()]) if (!mine.has(room)) rooms.delete(room);
    for (const { room, kind, head } of frame.rooms) enter(room, kind, head);
    for (const waiting of outbox.values()) transmit(waiting);
    if (!rooms.has(current)) select(rooms.has('lobby') ? 'lobby' : ([...rooms.keys()][0] || ''));
    renderRooms();
  },
  joined({ room, head }) {
    enter(room, undefined, head);
    call('/v1/rooms/' + room).then(({ kind, title }) => name(room, kind, title), () => undefined);
  },
  left({ room }) {
    rooms.delete(room);
    if (room === current) select([...rooms.keys()][0] || '');
    renderRooms();
  },
  message(frame) {
    const room = rooms.get(frame.room);
    if (!room) return;
    room.messages.set(frame.seq, frame);
    room.last = Math.max(room.last, frame.seq);
    if (frame.room !== current) room.fresh++;
    renderRooms();
    if (frame.room === current) renderLog(true);
  },
  gap({ room: id, from, to, reason }) {
    const room = rooms.get(id);
    if (!room) return;
    room.gaps.push({ from, to, reason });
    room.last = Math.max(room.last, to);
    if (id === current) renderLog(true);
  },
  history({ room: id, id: asked, messages, more }) {
    const room = rooms.get(id);
    if (!room) return;
    for (const message of messages) room.messages.set(message.seq, message);
    if (asked === 'older') room.more = more;
    // A gap is closed as far as its messages have come; one page may not be enough.
    room.gaps = room.gaps.flatMap((gap) => {
      let { from } = gap;
      while (from <= gap.to && room.messages.has(from)) from++;
      return from > gap.to ? [] : [{ ...gap, from }];
    });
    if (id === current) renderLog(asked === 'older' && room.first);
    room.first = false;
  },
  ack({ clientId, room }) {
    const frame = outbox.get(clientId);
    outbox.delete(clientId);
    if (frame && frame.to && rooms.has(room)) select(room);
    renderLog(false);
  },
  member({ room, user, change }) { note(user + (change === 'joined' ? ' joined ' : ' left ') + label(room)); },
  error({ id, code, message, retryAfterMs }) {
    const frame = outbox.get(id);
    if (frame && ['unavailable', 'room_busy', 'rate_limited'].includes(code)) {
      setTimeout(() => outbox.has(id) && transmit(frame), retryAfterMs || 1000);
    } else if (frame) {
      outbox.delete(id);
      renderLog(false);
    }
    note(code + ': ' + message);
  },
};

function enter(room, kind, head) {
  if (rooms.has(room)) return;
  // "first": the newest page is asked for when the room is looked at.
  const entry = { kind, label: room, last: head, messages: new Map(), gaps: [], more: head > 0, fresh: 0, first: true };
  rooms.set(room, entry);
  if (kind) name(room, kind, null);
  renderRooms();
}

/** A private room is called after the other one in it. */
async function name(room, kind, title) {
  const entry = rooms.get(room);
  if (!entry) return;
  entry.kind = kind;
  entry.label = title || room;
  if (kind === 'private') {
    const { items } = await call('/v1/rooms/' + room + '/members');
    const other = items.find(({ user }) => user !== me);
    if (other) entry.label = '@' + other.user;
  }
  renderRooms();
}

const label = (room) => (rooms.has(room) ? rooms.get(room).label : room);

// ── What one sees ──────────────────────────────────────────────────────────────────────────────────────────────
function renderRooms() {
  $('rooms').replaceChildren(...[...rooms].map(([id, room]) => {
    const button = element('button');
    button.type = 'button';
    button.setAttribute('aria-current', String(id === current));
    button.append(element('span', '', room.label), element('span', 'seq', room.fresh ? '+' + room.fresh : ''));
    button.onclick = () => select(id);
    return button;
  }));
  $('title').textContent = current ? label(current) : '';
}

function select(id) {
  current = id;
  const room = rooms.get(id);
  if (room) {
    room.fresh = 0;
    if (room.first) older();
  }
  renderRooms();
  renderLog(true);
}

function older() {
  const room = rooms.get(current);
  if (!room) return;
  const lowest = Math.min(...room.messages.keys(), Infinity);
  transmit({ type: 'history', id: 'older', room: current, limit: 20, ...(Number.isFinite(lowest) ? { before: lowest } : {}) });
}

function renderLog(toEnd) {
  const room = rooms.get(current);
  const rows = [];
  if (room) {
    for (const gap of room.gaps) rows.push([gap.from, gapRow(gap)]);
    for (const message of room.messages.values()) rows.push([message.seq, messageRow(message)]);
  }
  rows.sort(([a], [b]) => a - b);
  const waiting = [...outbox.values()].filter((frame) => frame.room === current);
  const pending = waiting.map(({ text }) => messageRow({ seq: '…', from: me, text, at: '' }, 'waiting'));
  const log = $('log');
  const scrolled = log.scrollTop;
  log.replaceChildren(...rows.map(([, row]) => row), ...pending);
  log.scrollTop = toEnd ? log.scrollHeight : scrolled;
  $('older').disabled = !room || !room.more;
}

function messageRow({ seq, from, text, at }, className) {
  const row = element('li', className);
  const time = element('time', '', at ? new Date(at).toLocaleTimeString() : '');
  row.append(element('span', 'seq', seq), element('span', from === me ? 'mine' : '', from), element('span', '', text), time);
  return row;
}

function gapRow({ from, to, reason }) {
  const row = element('li', 'gap', 'Not delivered: ' + from + ' to ' + to + ' (' + reason + ') ');
  const button = element('button', '', 'Fetch');
  button.type = 'button';
  const room = current;
  button.onclick = () => transmit({ type: 'history', id: 'gap', room, after: from - 1, limit: Math.min(200, to - from + 1) });
  row.append(button);
  return row;
}

// ── What one does ──────────────────────────────────────────────────────────────────────────────────────────────
const on = (id, act) => $(id).addEventListener('submit', (event) => { event.preventDefault(); note(''); act(); });

function publish(target, input) {
  const text = input.value.trim();
  if (!text) return;
  const clientId = randomId();
  outbox.set(clientId, { type: 'message', id: clientId, clientId, text, ...target });
  transmit(outbox.get(clientId));
  input.value = '';
  renderLog(true);
}

on('send', () => current && publish({ room: current }, $('text')));
on('private', () => $('to').value.trim() && publish({ to: $('to').value.trim() }, $('whisper')));
on('page', older);
on('login', async () => {
  try {
    const form = { grant_type: 'password', username: $('user').value, password: $('password').value };
    const answer = await call('/v1/oauth/token', { method: 'POST', body: new URLSearchParams(form) });
    if (me !== form.username) { rooms.clear(); outbox.clear(); current = ''; }
    token = answer.access_token;
    me = form.username;
    $('who').textContent = me;
    $('login').hidden = true;
    $('chat').hidden = $('away').hidden = false;
    connect();
  } catch (error) { note(String(error.message)); }
});
$('away').addEventListener('click', () => {
  away = !away;
  $('away').textContent = away ? 'Connect' : 'Disconnect';
  if (!away) connect();
  else { clearTimeout(timer); if (socket) socket.close(); else setState('disconnected', false); }
});
</script>
</body>
</html>
`;
