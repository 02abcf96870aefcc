import { join } from 'node:path';
import {
  type ServiceProcess,
  createDatabase,
  freePort,
  spawnService,
  startNats,
  startPostgres,
  startRedis,
} from '@troupe/testing';
import { removeDir, temporaryDir } from '../temp-dir';
import { startNodeService } from './node.service';
import type { RunningSystem, StartOptions, StartSystem, SystemName } from './system';
import { TroupePeople } from './troupe.people';

/** What the build made of the repository. */
const BUILT = join(__dirname, '..', '..', '..');

/** One publisher stands for a whole room here, so the limits on a single session are out of the way. */
const LIMITS = {
  MESSAGES_PER_SECOND: '1000000',
  MESSAGES_BURST: '1000000',
  FRAMES_PER_SECOND: '1000000',
  FRAMES_BURST: '1000000',
  LOGIN_PER_MINUTE: '100000',
  REGISTER_PER_MINUTE: '100000',
  LOG_LEVEL: 'warn',
  HOST: '127.0.0.1',
};

interface Stoppable {
  stop(): Promise<unknown>;
}

function entry(app: string): string {
  return join(BUILT, 'apps', app, 'src', 'main.js');
}

function running(
  name: SystemName,
  port: number,
  pids: Record<string, number[]>,
  services: ServiceProcess[],
  stop: () => Promise<void>,
): RunningSystem {
  const people = new TroupePeople(port);
  return {
    name,
    pids,
    prepare: (shape) => people.prepare(shape),
    log: () => services.map((service) => `${service.name}:\n${service.output()}`).join('\n'),
    stop,
  };
}

/** What has been started so far, ended in reverse order. */
class Started {
  readonly #all: Stoppable[] = [];

  add<T extends Stoppable>(one: T): T {
    this.#all.push(one);
    return one;
  }

  /** A directory that is removed when everything has ended. */
  dir(): string {
    const path = temporaryDir();
    this.add({ stop: () => Promise.resolve(removeDir(path)) });
    return path;
  }

  async stop(): Promise<void> {
    for (const one of [...this.#all].reverse()) await one.stop();
  }

  /** Runs `act`; if it fails, whatever it has started is stopped. */
  async orNothing<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }
}

/** `npm start`: all services in one process, PGlite, no server beside it. */
export const startTroupeEmbedded: StartSystem = (options: StartOptions) => {
  const started = new Started();
  return started.orNothing(async () => {
    const port = await freePort();
    const env = { ...LIMITS, PORT: `${port}`, DATA_DIR: started.dir(), ...options.settings };
    const standalone = started.add(
      await startNodeService({ name: 'standalone', entry: entry('standalone'), env, ...options }),
    );
    return running('troupe-embedded', port, { standalone: [standalone.pid] }, [standalone], () =>
      started.stop(),
    );
  });
};

/** A gateway, a room-actor and a presence service over NATS, Postgres and Redis, each a process of its own. */
export const startTroupeDistributed: StartSystem = (options: StartOptions) => {
  const started = new Started();
  return started.orNothing(async () => {
    const postgres = started.add(await startPostgres());
    const nats = started.add(await startNats());
    const redis = started.add(await startRedis({ persistent: false }));
    const port = await freePort();
    const common = {
      ...LIMITS,
      NATS_URL: nats.url,
      REDIS_URL: redis.url,
      DATABASE_URL: await createDatabase(postgres.url),
      ...options.settings,
    };
    await setUpDatabase(common.DATABASE_URL);
    const service = async (name: string, env: Record<string, string> = {}): Promise<ServiceProcess> =>
      started.add(
        await startNodeService({ name, entry: entry(name), env: { ...common, ...env }, ...options }),
      );
    const actor = await service('room-actor');
    const presence = await service('presence');
    const gateway = await service('gateway', { PORT: `${port}` });
    const pids = {
      gateway: [gateway.pid],
      'room-actor': [actor.pid],
      presence: [presence.pid],
      nats: [nats.pid],
      redis: [redis.pid],
      postgres: [postgres.pid],
    };
    return running('troupe-distributed', port, pids, [gateway, actor, presence], () => started.stop());
  });
};

/** `npm run db:setup` without the build. */
async function setUpDatabase(url: string): Promise<void> {
  const setup = await spawnService({
    name: 'db-setup',
    entry: join(BUILT, 'libs', 'adapters-postgres', 'src', 'cli', 'setup.js'),
    env: { DATABASE_URL: url },
    awaitReady: false,
  });
  const { code } = await setup.exited;
  if (code !== 0) throw new Error(`the database was not set up: ${setup.output()}`);
}
