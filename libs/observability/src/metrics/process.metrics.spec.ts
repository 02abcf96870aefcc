import { createMetrics } from './metrics';

const DEADLINE_MS = 4_000;
/** A scrape starts the monitor afresh, and it needs a few looks, 20 ms apart, to have something to say. */
const SCRAPE_INTERVAL_MS = 200;

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

describe('Event loop lag', () => {
  const metrics = createMetrics({ service: 'gateway' });

  /** Runs turns that each hold the loop for `turnMs`, until a scrape shows a longest lag that is `wanted`. */
  async function waitForLag(wanted: (seconds: number) => boolean, turnMs: number): Promise<void> {
    const deadline = performance.now() + DEADLINE_MS;
    while (performance.now() < deadline) {
      const scrapeAt = performance.now() + SCRAPE_INTERVAL_MS;
      while (performance.now() < scrapeAt) {
        block(turnMs);
        await turn();
      }
      const shown = /^nodejs_eventloop_lag_max_seconds (\S+)$/m.exec(await metrics.text());
      if (wanted(Number(shown?.[1]))) return;
    }
    throw new Error(`not seen within ${DEADLINE_MS} ms`);
  }

  it('counts a blocked loop', () => waitForLag((seconds) => seconds > 0.03, 60));

  it('does not count the wait between two looks, which is 20 ms', () =>
    waitForLag((seconds) => seconds > 0 && seconds < 0.015, 0));
});
