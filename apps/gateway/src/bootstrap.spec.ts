import 'reflect-metadata';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Module } from '@nestjs/common';
import { parseSettings } from '@troupe/config';
import { createLogger, createMetrics } from '@troupe/observability';
import { PlatformModule, openPlatform } from '@troupe/platform';
import { withinDeadline } from '@troupe/testing';
import { WebSocket } from 'ws';
import { listen } from './bootstrap';
import { GatewayModule } from './gateway.module';
import { SUBPROTOCOL, WS_PATH } from './ws/ws.constants';

const DEADLINE_MS = 5_000;

@Module({})
class App {}

describe('a gateway that goes down', () => {
  const closers: (() => Promise<void>)[] = [];
  afterAll(async () => {
    for (const close of closers) await close();
  }, 30_000);

  it('has said good-bye to every client, and taken nobody new, before the application closes', async () => {
    const settings = { ...parseSettings({}), dataDir: ':memory:', host: '127.0.0.1', port: 0 };
    const logger = createLogger({ service: 'gateway', level: 'silent' });
    const metrics = createMetrics({ service: 'gateway' });
    const needs = { service: 'gateway', database: true, presence: false };
    const platform = await openPlatform(settings, { logger, metrics }, needs);
    closers.push(() => platform.close());
    const imports = [PlatformModule.register(platform, needs), GatewayModule.register(platform)];
    const { app, sayGoodBye } = await listen({ module: App, imports }, platform);
    closers.unshift(() => app.close());
    const { port } = app.getHttpServer().address() as AddressInfo;
    const connect = (): WebSocket => new WebSocket(`ws://127.0.0.1:${port}${WS_PATH}`, SUBPROTOCOL);

    const heard: unknown[] = [];
    for (let i = 0; i < 3; i++) {
      const client = connect();
      client.on('message', (data: Buffer) =>
        heard.push((JSON.parse(data.toString()) as { type: string }).type),
      );
      client.on('close', (code) => heard.push(code));
      await withinDeadline('open', once(client, 'open'), DEADLINE_MS);
    }
    const goodBye = sayGoodBye();
    const late = connect();
    late.on('error', () => undefined);
    const refused = once(late, 'unexpected-response');

    await withinDeadline('good-bye', goodBye, DEADLINE_MS);
    expect(heard.filter((word) => word === 'bye')).toHaveLength(3);
    const [, response] = await withinDeadline('refused', refused, DEADLINE_MS);
    expect((response as { statusCode?: number }).statusCode).toBe(503);
    late.terminate();
    await withinDeadline('closed', app.close(), DEADLINE_MS);
    expect(heard.filter((word) => word === 1012)).toHaveLength(3);
  }, 30_000);
});
