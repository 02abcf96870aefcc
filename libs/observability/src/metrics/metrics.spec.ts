import { ERROR_CODES } from '@troupe/protocol';
import { createMetrics } from './metrics';
import { metricsCatalogue, renderMetricsTable } from './metrics.catalogue';

/** The samples of a scrape: `name{labels}` to value. */
function samplesOf(text: string): Record<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

/** What the outside contract names, with its labels; the notifier's metrics come with the notifier. */
const CONTRACT = [
  'troupe_sessions',
  'troupe_rooms_active',
  'troupe_messages_published_total{kind}',
  'troupe_deliveries_total',
  'troupe_mailbox_dropped_total{kind}',
  'troupe_mailboxes_lagging',
  'troupe_publish_ack_seconds',
  'troupe_delivery_seconds',
  'troupe_store_commit_seconds',
  'troupe_store_batch_size',
  'troupe_partitions_owned',
  'troupe_partition_takeovers_total',
  'troupe_repairs_total',
  'troupe_presence_online_users',
  'troupe_presence_transitions_total{to}',
  'troupe_offline_queued_total',
  'troupe_offline_dropped_total',
  'troupe_rejected_total{code}',
];

describe('The catalogue of metrics', () => {
  it('holds every metric of the contract under its name, and with its labels', () => {
    const ours = Object.values(metricsCatalogue).map((metric) =>
      metric.kind === 'labelled-counter' ? `${metric.name}{${metric.label}}` : metric.name,
    );
    expect(ours).toEqual(expect.arrayContaining(CONTRACT));
  });

  it.each(Object.values(metricsCatalogue))('$name ends as its kind asks for', ({ kind, name, help }) => {
    expect(name).toMatch(/^troupe_[a-z_]+$/);
    expect(name.endsWith('_total')).toBe(kind === 'counter' || kind === 'labelled-counter');
    expect(help).toMatch(/\.$/);
  });

  it('gives histograms rising buckets', () => {
    for (const metric of Object.values(metricsCatalogue)) {
      if (metric.kind !== 'histogram') continue;
      expect(metric.buckets).toEqual([...metric.buckets].sort((a, b) => a - b));
    }
  });

  it('is a table of one row for each metric in the documents', () => {
    const rows = renderMetricsTable().match(/^\| `troupe_/gm);
    expect(rows).toHaveLength(Object.keys(metricsCatalogue).length);
  });
});

describe('A scrape', () => {
  it('shows every metric at zero from the start, with every value of its label', async () => {
    const samples = samplesOf(await createMetrics({ service: 'gateway' }).text());
    expect(samples['troupe_sessions']).toBe(0);
    expect(samples['troupe_deliveries_total']).toBe(0);
    expect(samples['troupe_mailbox_dropped_total{kind="private"}']).toBe(0);
    expect(samples['troupe_publish_ack_seconds_count']).toBe(0);
    expect(Object.keys(samples).filter((name) => name.startsWith('troupe_rejected_total'))).toEqual(
      ERROR_CODES.map((code) => `troupe_rejected_total{code="${code}"}`),
    );
    expect(samples['troupe_service_info{service="gateway"}']).toBe(1);
  });

  it('shows what was counted, by whichever handle', async () => {
    const metrics = createMetrics({ service: 'gateway' });
    metrics.deliveries.inc(1_000);
    metrics.deliveries.inc();
    metrics.mailboxDropped.inc({ kind: 'group' }, 7);
    const dropped = metrics.mailboxDropped.by('group');
    dropped.inc();
    metrics.rejected.inc({ code: 'bad_frame' });
    metrics.presenceTransitions.by('online').inc(2);
    const samples = samplesOf(await metrics.text());
    expect(samples['troupe_deliveries_total']).toBe(1_001);
    expect(samples['troupe_mailbox_dropped_total{kind="group"}']).toBe(8);
    expect(samples['troupe_mailbox_dropped_total{kind="channel"}']).toBe(0);
    expect(samples['troupe_rejected_total{code="bad_frame"}']).toBe(1);
    expect(samples['troupe_presence_transitions_total{to="online"}']).toBe(2);
    expect(samplesOf(await metrics.text())['troupe_deliveries_total']).toBe(1_001);
  });

  it('adds a gauge up from what was set and what its sources say at that moment', async () => {
    const metrics = createMetrics({ service: 'room-actor' });
    let waiting = 3;
    metrics.roomsActive.inc(5);
    metrics.roomsActive.dec();
    metrics.mailboxWaiting.from(() => waiting);
    const stop = metrics.mailboxWaiting.from(() => 10);
    expect(samplesOf(await metrics.text())).toMatchObject({
      troupe_rooms_active: 4,
      troupe_mailbox_waiting: 13,
    });
    waiting = 1;
    stop();
    expect(samplesOf(await metrics.text())['troupe_mailbox_waiting']).toBe(1);
  });

  it('leaves out the bus and the store until the service says that it has them', async () => {
    const metrics = createMetrics({ service: 'presence' });
    expect(samplesOf(await metrics.text())).not.toHaveProperty('troupe_store_up');
    metrics.storeUp.set(0);
    metrics.busConnected.from(() => 1);
    expect(samplesOf(await metrics.text())).toMatchObject({ troupe_store_up: 0, troupe_bus_connected: 1 });
  });

  it('misses only the sample whose source fails', async () => {
    const metrics = createMetrics({ service: 'gateway' });
    metrics.sessions.from(() => {
      throw new Error('closed');
    });
    metrics.mailboxWaiting.from(() => Number.NaN);
    metrics.roomsActive.set(2);
    const samples = samplesOf(await metrics.text());
    expect(samples).not.toHaveProperty('troupe_sessions');
    expect(samples).not.toHaveProperty('troupe_mailbox_waiting');
    expect(samples['troupe_rooms_active']).toBe(2);
  });

  it('is of one moment: accepted = delivered + dropped + waiting holds while mailboxes move', async () => {
    const metrics = createMetrics({ service: 'room-actor' });
    let waiting = 0;
    metrics.mailboxWaiting.from(() => waiting);
    metrics.mailboxAccepted.inc(10);
    metrics.mailboxDelivered.inc(4);
    metrics.mailboxDropped.inc({ kind: 'private' }, 1);
    waiting = 5;
    const scrape = metrics.text();
    // Moves on before the text is put together, but after the turn in which it was asked for.
    await Promise.resolve();
    metrics.mailboxAccepted.inc(100);
    waiting = 105;
    const samples = samplesOf(await scrape);
    const dropped = Object.entries(samples)
      .filter(([name]) => name.startsWith('troupe_mailbox_dropped_total'))
      .reduce((sum, [, value]) => sum + value, 0);
    expect(samples['troupe_mailbox_accepted_total']).toBe(10);
    expect(
      (samples['troupe_mailbox_delivered_total'] ?? 0) + dropped + (samples['troupe_mailbox_waiting'] ?? 0),
    ).toBe(10);
  });

  it('puts an observation into its bucket, weighted, and gives sum and count', async () => {
    const metrics = createMetrics({ service: 'room-actor' });
    metrics.delivery.observe(0.0005, 1_000);
    metrics.delivery.observe(0.3);
    metrics.delivery.observe(60);
    metrics.delivery.observe(Number.NaN);
    metrics.delivery.observe(1, 0);
    const text = await metrics.text();
    const samples = samplesOf(text);
    expect(text).toContain('# TYPE troupe_delivery_seconds histogram');
    expect(samples['troupe_delivery_seconds_bucket{le="0.00025"}']).toBe(0);
    expect(samples['troupe_delivery_seconds_bucket{le="0.0005"}']).toBe(1_000);
    expect(samples['troupe_delivery_seconds_bucket{le="0.25"}']).toBe(1_000);
    expect(samples['troupe_delivery_seconds_bucket{le="0.5"}']).toBe(1_001);
    expect(samples['troupe_delivery_seconds_bucket{le="10"}']).toBe(1_001);
    expect(samples['troupe_delivery_seconds_bucket{le="+Inf"}']).toBe(1_002);
    expect(samples['troupe_delivery_seconds_count']).toBe(1_002);
    expect(samples['troupe_delivery_seconds_sum']).toBeCloseTo(60.8);
  });

  it("carries Node's default metrics, each once, however many services live in the process", async () => {
    createMetrics({ service: 'presence' });
    const text = await createMetrics({ service: 'gateway' }).text();
    const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map((match) => match[1]);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(
      expect.arrayContaining([
        'process_cpu_seconds_total',
        'process_resident_memory_bytes',
        'nodejs_gc_duration_seconds',
        'nodejs_heap_size_used_bytes',
        'nodejs_eventloop_lag_p99_seconds',
      ]),
    );
  });

  it('keeps the numbers of two sets of metrics apart', async () => {
    const [one, other] = [createMetrics({ service: 'a' }), createMetrics({ service: 'b' })];
    one.deliveries.inc(3);
    expect(samplesOf(await other.text())['troupe_deliveries_total']).toBe(0);
  });
});

describe('A counter', () => {
  const { deliveries, rejected } = createMetrics({ service: 'gateway' });

  it.each([-1, Number.NaN, Infinity])('refuses to rise by %d', (n) => {
    expect(() => deliveries.inc(n)).toThrow(RangeError);
    expect(deliveries.value).toBe(0);
  });

  it('refuses a label value outside its set, without repeating it', () => {
    const foreign: string = 'alice';
    const act = () => (rejected as { by(value: string): unknown }).by(foreign);
    expect(act).toThrow(RangeError);
    expect(act).not.toThrow(/alice/);
  });
});
