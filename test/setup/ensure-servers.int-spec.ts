import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { directoryWith } from '@troupe/testing';

const script = join(__dirname, 'ensure-servers.mjs');

function ensureServers(env: Record<string, string>, ...args: string[]) {
  return spawnSync(process.execPath, [script, ...args], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], ...env },
  });
}

describe('ensure-servers', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'troupe-ensure-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const program = (name: string, lines = ''): void => {
    writeFileSync(join(dir, name), `#!/bin/sh\n${lines}\n`);
    chmodSync(join(dir, name), 0o755);
  };
  /** An apt-get that writes down how it was called, and puts the programs where they are looked for. */
  const fakeAptGet = (installs: string): void =>
    program(
      'apt-get',
      `echo "$DEBIAN_FRONTEND $*" >> ${dir}/calls
case "$*" in *" install "*) ${installs} ;; esac`,
    );
  const programsOfPackages = (): string => `for p in nats-server redis-server postgres initdb; do
    printf '#!/bin/sh\\n' > ${dir}/$p; chmod 755 ${dir}/$p; done`;
  const calls = (): string[] => readFileSync(join(dir, 'calls'), 'utf8').trim().split('\n');
  // As an ordinary user the script asks sudo; this one does as it is told.
  const fakeSudo = (): void => program('sudo', 'shift\nexec "$@"');

  it('says nothing where everything is there', () => {
    expect(ensureServers({})).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });

  it('finds the same programs as the test servers do', () => {
    const found = JSON.parse(ensureServers({}, '--print').stdout) as Record<string, string>;
    expect(found).toEqual({
      'nats-server': directoryWith(['nats-server']),
      'redis-server': directoryWith(['redis-server']),
      postgres: directoryWith(['postgres', 'initdb']),
    });
  });

  it('names what is missing, and nothing else, with the commands to install it', () => {
    program('redis-server');
    program('postgres');
    const { status, stderr } = ensureServers({ TROUPE_SERVER_PATHS: dir, TROUPE_SERVER_INSTALL: 'never' });
    expect(status).toBe(1);
    expect(stderr).toContain('missing: nats-server, postgres (with initdb).\n');
    expect(stderr).toContain('apt-get install -y nats-server redis-server postgresql\n');
    expect(stderr).toMatch(/apk add .*\n.*dnf install .*\n.*\n.*brew install /);
  });

  it('installs what is missing, once, and only that', () => {
    program('redis-server');
    fakeSudo();
    fakeAptGet(programsOfPackages());
    const env = { TROUPE_SERVER_PATHS: dir, PATH: `${dir}:${process.env['PATH'] ?? ''}` };
    expect(ensureServers(env)).toMatchObject({ status: 0, stderr: '' });
    expect(calls()).toEqual([
      'noninteractive -o DPkg::Lock::Timeout=300 update',
      'noninteractive -o DPkg::Lock::Timeout=300 install -y --no-install-recommends nats-server postgresql',
    ]);
    expect(ensureServers(env)).toMatchObject({ status: 0, stdout: '' });
    expect(calls()).toHaveLength(2);
  });

  it('says so when the installation fails', () => {
    fakeSudo();
    fakeAptGet('echo "E: Unable to locate package nats-server" >&2; exit 100');
    const env = { TROUPE_SERVER_PATHS: dir, PATH: `${dir}:${process.env['PATH'] ?? ''}` };
    const { status, stderr } = ensureServers(env);
    expect(status).toBe(1);
    expect(stderr).toContain('E: Unable to locate package nats-server');
    expect(stderr).toContain('Not installed: apt-get ended with 100.');
  });

  it('tries again while another installation holds the lock', () => {
    fakeSudo();
    fakeAptGet(
      `if [ -e ${dir}/tried ]; then ${programsOfPackages()}; else
      touch ${dir}/tried; echo "E: Could not get lock /var/lib/apt/lists/lock" >&2; exit 100; fi`,
    );
    const env = { TROUPE_SERVER_PATHS: dir, PATH: `${dir}:${process.env['PATH'] ?? ''}` };
    expect(ensureServers(env)).toMatchObject({ status: 0 });
    expect(calls()).toHaveLength(4);
  });

  it('does not ask for a password, nor installs without one where it needs one', () => {
    program('sudo', 'echo "sudo: a password is required" >&2; exit 1');
    fakeAptGet(programsOfPackages());
    // Where the tests run as root, the script runs as nobody, from where nobody may read it.
    const copy = join(dir, 'ensure-servers.mjs');
    copyFileSync(script, copy);
    chmodSync(dir, 0o755);
    const { status, stderr } = spawnSync(process.execPath, [copy], {
      encoding: 'utf8',
      env: { TROUPE_SERVER_PATHS: dir, PATH: `${dir}:${process.env['PATH'] ?? ''}` },
      ...(process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}),
    });
    expect(status).toBe(1);
    expect(stderr).toContain('Not installed: neither root nor sudo without a password.');
    expect(existsSync(join(dir, 'calls'))).toBe(false);
  });
});
