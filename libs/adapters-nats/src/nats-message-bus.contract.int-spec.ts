import type { MessageBus } from '@troupe/ports';
import { messageBusContract } from '@troupe/testing';
import { openNatsBus } from './nats-message-bus';

messageBusContract(
  'nats',
  async () => {
    const buses: MessageBus[] = [];
    return {
      open: async (options) => {
        const bus = await openNatsBus({
          url: process.env['TEST_NATS_URL']!,
          name: 'contract',
          onHandlerError: options?.onHandlerError ?? rethrow,
          onFatal: rethrow,
        });
        buses.push(bus);
        return bus;
      },
      close: async () => {
        await Promise.all(buses.map((bus) => bus.close()));
      },
    };
  },
  { queueGroups: true },
);

function rethrow(error: unknown): never {
  throw error;
}
