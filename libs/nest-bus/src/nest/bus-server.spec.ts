import { MemoryBusHub, MemoryMessageBus } from '@troupe/adapters-memory';
import { Controller, type INestMicroservice, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, type MicroserviceOptions, Payload } from '@nestjs/microservices';
import { NoResponders } from '@troupe/ports';
import { subjects, TroupeError } from '@troupe/protocol';
import { SimClock } from '@troupe/testing';
import { from } from 'rxjs';
import { BusContext } from './bus.context';
import { BusEvent, BusRequest } from './bus.decorators';
import { BusServer } from './bus-server';

/** What the handlers saw, and what they wait for. */
const seen: unknown[] = [];
let release: (() => void)[] = [];
const untilReleased = () => new Promise<void>((resolve) => release.push(resolve));

@Controller()
class Handlers {
  @BusRequest(subjects.publish, {
    queue: 'q',
    payloadBytesMax: 200,
    concurrency: 2,
    waitingMax: 1,
    refuse: (code) => ({ ok: false, code }),
  })
  async publish(@Payload() data: unknown): Promise<unknown> {
    const { act } = data as { act: string };
    switch (act) {
      case 'echo':
        return data;
      case 'wait':
        await untilReleased();
        return 'released';
      case 'nothing':
        return undefined;
      case 'refuse':
        throw new TroupeError('forbidden', 'no');
      case 'circle': {
        const circle: { self?: unknown } = {};
        circle.self = circle;
        return circle;
      }
      default:
        throw new Error(`host db-1 says no to ${act}`);
    }
  }

  @BusRequest(subjects.presenceQuery)
  stream() {
    return from([1, 2, 3]);
  }

  @BusEvent(subjects.allPresence)
  event(@Payload() data: unknown, @Ctx() context: BusContext): void {
    seen.push([context.subject, context.expectsReply, data]);
    if (data === 'fail') throw new Error('broken event');
  }
}

@Module({ controllers: [Handlers] })
class Handling {}

describe('the bus server', () => {
  const clock = new SimClock();
  const hub = new MemoryBusHub();
  const unexpected = (error: unknown) => errors.push(error);
  const client = new MemoryMessageBus({ hub, onHandlerError: unexpected });
  let errors: unknown[] = [];
  let bus: MemoryMessageBus;
  let app: INestMicroservice;

  beforeEach(async () => {
    errors = [];
    seen.length = 0;
    release = [];
    bus = new MemoryMessageBus({ hub, onHandlerError: unexpected });
    const strategy = new BusServer({ bus, clock, onError: unexpected });
    app = await NestFactory.createMicroservice<MicroserviceOptions>(Handling, { strategy, logger: false });
    await app.listen();
  });
  afterEach(async () => {
    for (const go of release) go();
    await app.close();
    await bus.close();
  });

  const ask = async (payload: string | Uint8Array, subject = subjects.publish): Promise<unknown> => {
    const reply = await client.request(subject, Buffer.from(payload), { timeoutMs: 2_000 });
    return JSON.parse(Buffer.from(reply).toString());
  };
  const act = (name: string) => ask(JSON.stringify({ act: name }));
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  /** Lets handlers go on, whenever they come to wait, until all of these are answered. */
  async function releasing(answers: Promise<unknown>[]): Promise<unknown[]> {
    let done = false;
    const all = Promise.all(answers).finally(() => (done = true));
    while (!done) {
      release.shift()?.();
      await settled();
    }
    return all;
  }

  it('answers plain JSON with plain JSON, top-level `data`, `pattern` and `id` included', async () => {
    const request = { act: 'echo', pattern: 'x', data: { a: [1, 'ü'] }, id: '7', response: null };
    expect(await ask(JSON.stringify(request))).toEqual(request);
    expect(await act('nothing')).toBeNull();
    expect(errors).toEqual([]);
  });

  it('answers with the last value of a stream', async () => {
    expect(await ask('{}', subjects.presenceQuery)).toBe(3);
  });

  it.each([
    ['broken JSON', '{bad', 'bad_request'],
    ['nothing', '', 'bad_request'],
    ['bytes that are not UTF-8', Uint8Array.of(0x22, 0xff, 0x22), 'bad_request'],
    ['more bytes than allowed', JSON.stringify('x'.repeat(200)), 'too_large'],
  ])('refuses %s without calling the handler', async (_name, payload, code) => {
    expect(await ask(payload)).toEqual({ ok: false, code });
    expect(errors).toEqual([]);
  });

  it('answers the code that the handler threw, and hides what else it throws', async () => {
    expect(await act('refuse')).toEqual({ ok: false, code: 'forbidden' });
    expect(errors).toEqual([]);
    expect(await act('other')).toEqual({ ok: false, code: 'internal' });
    expect(await act('circle')).toEqual({ ok: false, code: 'internal' });
    expect(errors.map(String)).toEqual([
      'Error: host db-1 says no to other',
      expect.stringContaining('circular structure'),
    ]);
  });

  it('refuses with a bare code where the handler does not say how', async () => {
    expect(await ask('{bad', subjects.presenceQuery)).toEqual({ error: 'bad_request' });
  });

  it('refuses what comes when as many are handled and wait as may', async () => {
    const waiting = [act('wait'), act('wait'), act('wait')];
    expect(await act('echo')).toEqual({ ok: false, code: 'unavailable' });
    expect(await releasing(waiting)).toEqual(['released', 'released', 'released']);
    expect(await act('echo')).toEqual({ act: 'echo' });
  });

  it('hands events of a pattern to their handler with their subject, and survives its errors', async () => {
    const send = (user: string, text: string) => client.publish(subjects.presence(user), Buffer.from(text));
    send('alice', '"fail"');
    send('bob', '{bad');
    send('carol', '{"n":1}');
    await settled();
    expect(seen).toEqual([
      ['troupe.v1.presence.alice', false, 'fail'],
      ['troupe.v1.presence.carol', false, { n: 1 }],
    ]);
    expect(errors.map(String).sort()).toEqual(['Error: broken event', 'TroupeError: an event was refused']);
  });

  it('handles a request that nobody waits for', async () => {
    client.publish(subjects.publish, Buffer.from('{"act":"echo"}'));
    client.publish(subjects.publish, Buffer.from('{bad'));
    await settled();
    expect(errors).toEqual([]);
  });

  it('shares requests of one queue between servers', async () => {
    const strategy = new BusServer({ bus, clock, onError: unexpected });
    const second = await NestFactory.createMicroservice<MicroserviceOptions>(Handling, {
      strategy,
      logger: false,
    });
    await second.listen();
    expect(await Promise.all([act('echo'), act('echo'), act('echo')])).toHaveLength(3);
    await second.close();
    expect(await act('echo')).toEqual({ act: 'echo' });
  });

  it('finishes what is in flight or waits when it closes, and takes nothing new', async () => {
    const waiting = [act('wait'), act('wait'), act('wait')];
    await settled();
    let closed = false;
    const closing = app.close().then(() => (closed = true));
    await expect(act('echo')).rejects.toBeInstanceOf(NoResponders);
    expect(closed).toBe(false);
    expect(await releasing(waiting)).toEqual(['released', 'released', 'released']);
    await closing;
    expect(bus.connected).toBe(true);
  });

  it('closes after its deadline although a handler hangs', async () => {
    const hanging = act('wait');
    await settled();
    const closing = app.close();
    await clock.run(5_000);
    await closing;
    for (const go of release) go();
    expect(await hanging).toBe('released');
  });

  it('loses a reply when the bus goes away meanwhile, and says so', async () => {
    const inbox = subjects.presence('inbox');
    client.publish(subjects.publish, Buffer.from('{"act":"wait"}'), { reply: inbox });
    await settled();
    bus.cut();
    for (const go of release) go();
    await settled();
    expect(errors.map(String)).toEqual([expect.stringContaining('BusUnavailable')]);
    bus.heal();
  });
});
