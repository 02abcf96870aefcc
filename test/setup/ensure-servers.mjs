// Makes sure that the servers which the tests start themselves are installed: nats-server, redis-server, and postgres
// with initdb. Quick when they are. Else installs them where it may (root, or sudo without a password); else says
// which are missing and how to get them, and fails.
//
// TROUPE_SERVER_PATHS    directories to look in, instead of PATH and the usual places
// TROUPE_SERVER_INSTALL  `never`: look, but do not install
// --print                writes the directories found, as JSON, and installs nothing
import { spawn } from 'node:child_process';
import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { platform } from 'node:process';

/** What the tests start. `together`: programs that must come from one directory, or versions would mix. */
const SERVERS = [
  {
    name: 'nats-server',
    together: ['nats-server'],
    packages: { 'apt-get': 'nats-server', apk: 'nats-server' },
  },
  {
    name: 'redis-server',
    together: ['redis-server'],
    packages: { 'apt-get': 'redis-server', apk: 'redis', dnf: 'redis' },
  },
  {
    name: 'postgres (with initdb)',
    together: ['postgres', 'initdb'],
    packages: { 'apt-get': 'postgresql', apk: 'postgresql', dnf: 'postgresql-server' },
  },
];

/**
 * No package's service is needed. RUNLEVEL=1 keeps sysvinit's from being started; under systemd they start, and are
 * left alone: the tests use ports and directories of their own.
 */
const APT_ENV = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
const APT_LOCK = ['-o', 'DPkg::Lock::Timeout=300'];
const MANAGERS = [
  {
    program: 'apt-get',
    env: APT_ENV,
    prepare: [...APT_LOCK, 'update'],
    install: [...APT_LOCK, 'install', '-y', '--no-install-recommends'],
  },
  { program: 'apk', env: {}, prepare: null, install: ['add', '--no-cache'] },
  { program: 'dnf', env: {}, prepare: null, install: ['install', '-y', '--setopt=strict=0'] },
];

const HOW = `Install them with
  Debian, Ubuntu   sudo apt-get update && sudo apt-get install -y nats-server redis-server postgresql
  Alpine           sudo apk add nats-server redis postgresql
  Fedora, RHEL     sudo dnf install -y redis postgresql-server
                   (nats-server: https://github.com/nats-io/nats-server/releases)
  macOS            brew install nats-server redis postgresql@16
or, if they are somewhere else, put their directories on PATH or in TROUPE_SERVER_PATHS.
`;

/** Two runs at once: package lists and downloads have locks that apt-get does not wait for. */
const LOCKED = /could not get lock|unable to (acquire|lock)|is another process using it/i;
const LOCKED_MS_MAX = 300_000;
const LOCKED_RETRY_MS = 2_000;

// --- Looking. libs/testing/src/servers/server-programs.ts looks in the same places; a test compares the two. ---

function searchedDirectories() {
  const override = process.env.TROUPE_SERVER_PATHS;
  if (override !== undefined) return absolute(override);
  return [
    ...absolute(process.env.PATH ?? ''),
    ...['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/opt/homebrew/bin'],
    ...postgresDirectories('/usr/lib/postgresql', 'bin'),
    ...postgresDirectories('/usr/libexec', ''),
  ];
}

const absolute = (list) => list.split(delimiter).filter((dir) => dir.startsWith('/'));

function postgresDirectories(parent, bin) {
  return entries(parent)
    .map((name) => ({ name, version: Number(/^(?:postgresql)?(\d+)/.exec(name)?.[1] ?? Number.NaN) }))
    .filter(({ version }) => !Number.isNaN(version))
    .sort((a, b) => b.version - a.version)
    .map(({ name }) => join(parent, name, bin));
}

function entries(dir) {
  try {
    return readdirSync(dir);
  } catch (error) {
    if (error.code === 'ENOENT') return [];
    throw error;
  }
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function directoryWith(programs, directories = searchedDirectories()) {
  return directories.find((dir) => programs.every((program) => isExecutable(join(dir, program)))) ?? null;
}

const missingServers = () => SERVERS.filter(({ together }) => directoryWith(together) === null);

// --- Installing. ---

/** Runs a command, showing what it says. Gives its exit code and its last words. */
function run(program, args) {
  return new Promise((resolve) => {
    let words = '';
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const [from, to] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ]) {
      from.on('data', (chunk) => {
        words = (words + chunk.toString()).slice(-4_000);
        to.write(chunk);
      });
    }
    child.once('error', (error) => resolve({ code: 127, words: String(error) }));
    child.once('close', (code) => resolve({ code, words }));
  });
}

/** The words to put before a command so that it may install, or null where we may not. */
async function privilege() {
  if (process.getuid?.() === 0) return [];
  if (directoryWith(['sudo'], absolute(process.env.PATH ?? '')) === null) return null;
  const { code } = await run('sudo', ['-n', 'true']);
  return code === 0 ? ['sudo', '-n'] : null;
}

/** Installs what is missing if it may. Gives null when it did what it could, else why it could not. */
async function install(missing) {
  if (process.env.TROUPE_SERVER_INSTALL === 'never') return 'TROUPE_SERVER_INSTALL=never';
  const path = [...absolute(process.env.PATH ?? ''), '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
  const manager = MANAGERS.find(({ program }) => directoryWith([program], path) !== null);
  if (platform !== 'linux' || manager === undefined) return 'no package manager that this script can use';
  const asRoot = await privilege();
  if (asRoot === null) return 'neither root nor sudo without a password';
  const packages = missing.map((server) => server.packages[manager.program]).filter(Boolean);
  if (packages.length === 0) return `${manager.program} has no packages for them`;

  const environment = Object.entries(manager.env).map(([name, value]) => `${name}=${value}`);
  const command = [
    ...asRoot,
    'env',
    ...environment,
    join(directoryWith([manager.program], path), manager.program),
  ];
  const manage = (args) => run(command[0], [...command.slice(1), ...args]);
  console.log(`ensure-servers: installing ${packages.join(', ')} with ${manager.program}`);
  const endMs = performance.now() + LOCKED_MS_MAX;
  for (;;) {
    // Lists that cannot be refreshed may still do; the installation shows.
    const prepared = manager.prepare === null ? { words: '' } : await manage(manager.prepare);
    const installed = await manage([...manager.install, ...packages]);
    if (installed.code === 0) return null;
    const locked = LOCKED.test(prepared.words + installed.words);
    if (!locked || performance.now() >= endMs) return `${manager.program} ended with ${installed.code}`;
    await new Promise((resolve) => setTimeout(resolve, LOCKED_RETRY_MS));
    // Whoever had the lock may have been installing the same.
    if (missingServers().length === 0) return null;
  }
}

async function main() {
  if (process.argv.includes('--print')) {
    const found = SERVERS.map(({ together }) => [together[0], directoryWith(together)]);
    console.log(JSON.stringify(Object.fromEntries(found)));
    return;
  }
  const missing = missingServers();
  if (missing.length === 0) return;
  const reason = await install(missing);
  const still = missingServers();
  if (still.length === 0) return;
  console.error(
    `ensure-servers: missing: ${still.map(({ name }) => name).join(', ')}.\n` +
      `The tests start NATS, Redis and Postgres themselves, and these programs are not there. ` +
      `Not installed: ${reason ?? 'the packages were, but the programs are in none of the places searched'}.\n${HOW}`,
  );
  process.exitCode = 1;
}

await main();
