import { withinMs } from '../servers/until';

/** Gives what the promise resolves to; rejects and names `what` when that takes longer than `deadlineMs`. */
export async function withinDeadline<T>(what: string, promise: Promise<T>, deadlineMs: number): Promise<T> {
  const boxed = await withinMs(
    promise.then((value) => ({ value })),
    deadlineMs,
  );
  if (boxed === null) throw new Error(`${what}: not within ${deadlineMs} ms`);
  return boxed.value;
}
