import {
  createDatabase,
  HttpClient,
  type MetricsText,
  type ServiceProcess,
  startNats,
  startPostgres,
  startRedis,
  type TestServer,
} from '@troupe/testing';
import { type Edge, setUpDatabase, startEdge, startService } from './services';

export interface ClusterOptions {
  gateways: number;
  roomActors: number;
  /** Settings of every service, beside the URLs. */
  env?: Record<string, string>;
  /** Runs between the making of the tables and the start of the services. */
  afterSetUp?: (databaseUrl: string) => Promise<void>;
}

/** NATS, Redis, Postgres and our services on them, each a process of its own on free ports. */
export class Cluster {
  readonly gateways: Edge[] = [];
  readonly roomActors: ServiceProcess[] = [];
  private readonly others: ServiceProcess[] = [];
  private started = 0;

  private constructor(
    readonly nats: TestServer,
    readonly redis: TestServer,
    readonly postgres: TestServer,
    readonly databaseUrl: string,
    private readonly env: Record<string, string>,
  ) {}

  static async start(options: ClusterOptions): Promise<Cluster> {
    const [nats, redis, postgres] = await Promise.all([
      startNats(),
      startRedis(),
      startPostgres({ fsync: false }),
    ]);
    const databaseUrl = await createDatabase(postgres.url);
    const cluster = new Cluster(nats, redis, postgres, databaseUrl, options.env ?? {});
    try {
      await setUpDatabase(databaseUrl);
      await options.afterSetUp?.(databaseUrl);
      for (let i = 0; i < options.roomActors; i += 1) await cluster.startRoomActor();
      cluster.others.push(await startService('presence', cluster.envOf('presence')));
      for (let i = 0; i < options.gateways; i += 1) {
        cluster.gateways.push(
          await startEdge('gateway', cluster.envOf('gateway'), { name: `gateway-${i + 1}` }),
        );
      }
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** The first gateway. */
  get edge(): Edge {
    const [edge] = this.gateways;
    if (!edge) throw new Error('the cluster has no gateway');
    return edge;
  }

  /**
   * Starts one more room-actor. Its connections carry its name, so the database can tell the writers apart.
   * `databasePort`: its way to Postgres, if that is not the direct one.
   */
  async startRoomActor(databasePort = this.postgres.port): Promise<ServiceProcess> {
    const name = `room-actor-${++this.started}`;
    const process = await startService('room-actor', this.envOf(name, databasePort), { name });
    this.roomActors.push(process);
    return process;
  }

  /** What a service counts now. */
  metricsOf(service: ServiceProcess): Promise<MetricsText> {
    return new HttpClient(service.healthPort).metrics();
  }

  /** Every service that was started and not forgotten. */
  get services(): ServiceProcess[] {
    return [...this.gateways.map((g) => g.process), ...this.roomActors, ...this.others];
  }

  /** Takes a room-actor that has ended off the list. */
  forget(service: ServiceProcess): void {
    this.roomActors.splice(this.roomActors.indexOf(service), 1);
  }

  async stop(): Promise<void> {
    await Promise.all(this.services.map((service) => service.stop()));
    await Promise.all([this.nats.stop(), this.redis.stop(), this.postgres.stop()]);
  }

  private envOf(name: string, databasePort = this.postgres.port): Record<string, string> {
    const databaseUrl = new URL(this.databaseUrl);
    databaseUrl.port = `${databasePort}`;
    databaseUrl.searchParams.set('application_name', name);
    return {
      NATS_URL: this.nats.url,
      REDIS_URL: this.redis.url,
      DATABASE_URL: databaseUrl.href,
      ...this.env,
    };
  }
}
