import { STATUS_CODES } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { Refusal } from './refusal';

export const PROBLEM_TYPE = 'application/problem+json';

/** An error's body as RFC 9457 has it, with our code. */
export function problemText(refusal: Refusal): string {
  const { status, code, detail } = refusal;
  return JSON.stringify({
    type: `urn:troupe:error:${code}`,
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail,
    code,
  });
}

/** Answers with a problem. */
export function sendProblem(reply: FastifyReply, refusal: Refusal): void {
  setRetryAfter(reply, refusal.retryAfterMs);
  void reply.code(refusal.status).header('content-type', PROBLEM_TYPE).send(problemText(refusal));
}

/** Whole seconds, never 0: that would mean "at once". */
export function setRetryAfter(reply: FastifyReply, retryAfterMs: number | undefined): void {
  if (retryAfterMs === undefined) return;
  void reply.header('retry-after', String(Math.max(1, Math.ceil(retryAfterMs / 1_000))));
}
