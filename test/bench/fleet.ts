import { type RunningSystem, type StartOptions, type SystemName, startSystem } from './systems';

/** The systems that run; each is started when it is first asked for, and all of them are stopped. */
export class Fleet {
  readonly #running = new Map<SystemName, RunningSystem>();
  readonly #failed = new Map<SystemName, Error>();

  constructor(private readonly options: StartOptions) {}

  /** Throws where the system does not start; asking again does not try again. */
  async get(name: SystemName): Promise<RunningSystem> {
    const failed = this.#failed.get(name);
    if (failed !== undefined) throw failed;
    let system = this.#running.get(name);
    if (system === undefined) {
      try {
        system = await startSystem[name](this.options);
      } catch (error) {
        this.#failed.set(name, error as Error);
        throw error;
      }
      this.#running.set(name, system);
    }
    return system;
  }

  /** Stops a system that has failed; asking for it again gives the reason. */
  async drop(name: SystemName, reason: Error): Promise<void> {
    this.#failed.set(name, reason);
    const system = this.#running.get(name);
    this.#running.delete(name);
    await system?.stop();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running.values()].map((system) => system.stop()));
    this.#running.clear();
  }
}
