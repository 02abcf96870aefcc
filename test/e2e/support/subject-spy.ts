import { connect, type NatsConnection } from 'nats';

/** Sees every subject that passes a NATS server, of anybody. */
export class SubjectSpy {
  readonly subjects = new Set<string>();

  private constructor(private readonly connection: NatsConnection) {}

  static async start(url: string): Promise<SubjectSpy> {
    const connection = await connect({ servers: url });
    const spy = new SubjectSpy(connection);
    connection.subscribe('>', {
      callback: (error, message) => {
        spy.subjects.add(error ? `error ${error.message}` : message.subject);
      },
    });
    await connection.flush();
    return spy;
  }

  /** Waits until everything that the server had taken before has been seen. */
  async flush(): Promise<void> {
    await this.connection.flush();
  }

  async stop(): Promise<void> {
    await this.connection.close();
  }
}
