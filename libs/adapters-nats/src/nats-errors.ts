import { BusUnavailable, NoResponders, RequestTimeout } from '@troupe/ports';
import { ErrorCode, NatsError } from 'nats';

/** Gives the port's error for one of the client's. */
export function toBusError(error: unknown): Error {
  const code = error instanceof NatsError ? error.code : undefined;
  switch (code) {
    case ErrorCode.NoResponders:
      return new NoResponders('nobody subscribes to the subject');
    case ErrorCode.Timeout:
      return new RequestTimeout('no reply in time');
    case ErrorCode.MaxPayloadExceeded:
      return new RangeError('payload larger than the server takes');
    default:
      return new BusUnavailable('the message could not be sent', { cause: error });
  }
}

/** Tells whether the server turned us away: trying again with the same credentials does not help. */
export function isRejection(error: unknown): boolean {
  return (
    error instanceof NatsError &&
    (error.code === ErrorCode.AuthorizationViolation || error.code === ErrorCode.AuthenticationExpired)
  );
}
