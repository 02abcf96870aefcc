import { BusUnavailable, StoreUnavailable } from '@troupe/ports';
import { TroupeError } from '@troupe/protocol';

/** What a client may be told of an error: a code and one sentence. */
export function toTroupeError(error: unknown): TroupeError {
  if (error instanceof TroupeError) return error;
  if (error instanceof StoreUnavailable || error instanceof BusUnavailable) {
    return new TroupeError('unavailable', 'not possible at the moment; try again');
  }
  return new TroupeError('internal', 'internal error');
}
