import { join } from 'node:path';
import { type ServiceProcess, type TestServer, startRedis } from '@troupe/testing';
import type { DriverName, Endpoint } from '../generator/commands';
import { startNodeService } from './node.service';
import { type RunningSystem, type StartOptions, type StartSystem, type SystemName, roomIds } from './system';

const READY = /READY (\d+)/;

interface PeerProcess {
  service: ServiceProcess;
  endpoint: Endpoint;
}

/** Starts a program of `peers/`, which says READY and its port. */
async function startPeer(
  name: string,
  program: string,
  options: StartOptions,
  redisUrl?: string,
): Promise<PeerProcess> {
  const service = await startNodeService({
    name,
    entry: join(__dirname, '..', 'peers', `${program}.peer.js`),
    env: redisUrl === undefined ? {} : { REDIS_URL: redisUrl },
    readyPattern: READY,
    ...options,
  });
  const [, port] = await service.untilOutput(READY);
  return { service, endpoint: { host: '127.0.0.1', port: Number(port) } };
}

function running(
  name: SystemName,
  driver: DriverName,
  peers: PeerProcess[],
  redis?: TestServer,
): RunningSystem {
  return {
    name,
    pids: {
      node: peers.map(({ service }) => service.pid),
      ...(redis === undefined ? {} : { redis: [redis.pid] }),
    },
    prepare: (shape) =>
      Promise.resolve({
        driver,
        endpoints: peers.map(({ endpoint }) => endpoint),
        lanes: { main: roomIds(`bench-${shape.rooms}`, shape.rooms) },
        tokens: [],
      }),
    log: () => peers.map(({ service }) => service.output()).join('\n'),
    stop: async () => {
      await Promise.all(peers.map(({ service }) => service.stop()));
      await redis?.stop();
    },
  };
}

/** One of the peers that is a single program. */
export function singlePeer(name: SystemName, driver: DriverName): StartSystem {
  return async (options) => running(name, driver, [await startPeer(name, name, options)]);
}

/** Socket.IO in two processes that share rooms through the Redis adapter. */
export const startSocketioRedis: StartSystem = async (options) => {
  const redis = await startRedis({ persistent: false });
  try {
    const start = (n: number): Promise<PeerProcess> =>
      startPeer(`socketio-redis-${n}`, 'socketio', options, redis.url);
    return running('socketio-redis', 'socketio', [await start(1), await start(2)], redis);
  } catch (error) {
    await redis.stop();
    throw error;
  }
};
