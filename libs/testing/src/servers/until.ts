const POLL_MS = 20;

/** Resolves after `ms`. For polling readiness from outside, where there is no event to wait for. */
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Repeats `attempt` until it does not throw, and gives its result.
 * Throws when the deadline passes, or as soon as `hopeless` says why nothing more can be expected.
 * The error names `what` and the last reason.
 */
export async function untilSucceeds<T>(
  what: string,
  options: { deadlineMs: number; hopeless?: () => string | null },
  attempt: () => Promise<T> | T,
): Promise<T> {
  const endMs = performance.now() + options.deadlineMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      const reason = options.hopeless?.() ?? null;
      if (reason !== null) throw new Error(`${what}: ${reason}`, { cause: error });
      if (performance.now() >= endMs) {
        throw new Error(`${what}: not within ${options.deadlineMs} ms: ${String(error)}`, { cause: error });
      }
    }
    await pause(POLL_MS);
  }
}

/** Resolves to the value, or to null when the deadline passes first. */
export async function withinMs<T>(promise: Promise<T>, deadlineMs: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), deadlineMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
