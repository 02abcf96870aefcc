import { describeCommits } from './room-store.commits';
import type { RoomStoreCapabilities, StoreHarness } from './database.harness';
import { describeHistory } from './room-store.history';
import { describeRooms } from './room-store.rooms';

/**
 * What every `RoomStore` does, over the `LeaseStore` of the same database. `open` gives a store in which every
 * partition is free and which nobody else uses; one for the whole suite.
 */
export function roomStoreContract(
  name: string,
  open: () => Promise<StoreHarness>,
  can: RoomStoreCapabilities,
): void {
  describe(`room store: ${name}`, () => {
    let harness: StoreHarness;
    const current = (): StoreHarness => harness;
    beforeAll(async () => {
      harness = await open();
    }, 60_000);
    afterAll(() => harness.close());

    describeCommits(current);
    describeHistory(current);
    describeRooms(current, can);
  });
}
