import type { MessageBus } from '@troupe/ports';
import { messageBusContract } from '@troupe/testing';
import { MemoryBusHub } from './memory-bus-hub';
import { MemoryMessageBus } from './memory-message-bus';

messageBusContract(
  'memory',
  async () => {
    const hub = new MemoryBusHub();
    const buses: MessageBus[] = [];
    return {
      open: async (options) => {
        const bus = new MemoryMessageBus({ hub, onHandlerError: options?.onHandlerError ?? rethrow });
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
