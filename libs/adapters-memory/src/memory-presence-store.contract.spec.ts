import { presenceStoreContract } from '@troupe/testing';
import { MemoryPresenceStore } from './memory-presence-store';

presenceStoreContract('memory', async () => {
  let nowMs = 1_000;
  const clock = { nowMs: () => nowMs, wallTime: () => new Date(1_750_000_000_000 + nowMs).toISOString() };
  const store = new MemoryPresenceStore(clock);
  return {
    // The state is the store: a second pod in the same process is the same object.
    open: async () => store,
    pass: async (ms) => {
      nowMs += ms;
    },
    close: () => store.close(),
  };
});
