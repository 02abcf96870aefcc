/** Tells whether a dependency answers. May throw or reject: that is a no. */
export type HealthCheck = () => boolean | Promise<boolean>;

export type CheckResult = 'up' | 'down';

export const CHECK_DEADLINE_MS = 1_000;

/** After this long a check that hangs is given up and asked anew: its connection may be dead while the next is not. */
export const CHECK_ABANDON_MS = 5_000;

interface RunningCheck {
  sinceMs: number;
  answer: Promise<boolean>;
}

/** What a service depends on, by name. Names are shown to whoever asks; hosts and errors never are. */
export class HealthChecks {
  private readonly checks = new Map<string, HealthCheck>();
  /** A check that hangs is asked once, not once more for every probe that comes by. */
  private readonly running = new Map<string, RunningCheck>();

  /** Adds a check. Throws RangeError if the name is taken: two parts would overwrite each other's word. */
  register(name: string, check: HealthCheck): void {
    if (this.checks.has(name)) throw new RangeError(`there is a check ${name} already`);
    this.checks.set(name, check);
  }

  /** Asks everything at once; what has not answered within the deadline is down. Never rejects. */
  async run(): Promise<{ up: boolean; results: Record<string, CheckResult> }> {
    const answers = await Promise.all(
      [...this.checks].map(async ([name, check]) => [name, await this.ask(name, check)] as const),
    );
    const results = Object.fromEntries(answers.map(([name, up]) => [name, up ? 'up' : 'down'] as const));
    return { up: answers.every(([, up]) => up), results };
  }

  private async ask(name: string, check: HealthCheck): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), CHECK_DEADLINE_MS);
    });
    const up = await Promise.race([this.start(name, check), late]);
    clearTimeout(timer);
    return up;
  }

  private start(name: string, check: HealthCheck): Promise<boolean> {
    const nowMs = performance.now();
    const running = this.running.get(name);
    if (running && nowMs - running.sinceMs < CHECK_ABANDON_MS) return running.answer;
    const started: RunningCheck = {
      sinceMs: nowMs,
      answer: outcome(check).finally(() => {
        if (this.running.get(name) === started) this.running.delete(name);
      }),
    };
    this.running.set(name, started);
    return started.answer;
  }
}

async function outcome(check: HealthCheck): Promise<boolean> {
  try {
    return (await check()) === true;
  } catch {
    // Why it failed is the dependency's own to log; a probe must not turn into a second error channel.
    return false;
  }
}
