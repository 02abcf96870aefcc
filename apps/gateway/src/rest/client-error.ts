import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { PROBLEM_TYPE, problemText } from './problem';
import { refusalOfStatus, type Refusal } from './refusal';
import type { Rejections } from './rejections';

const NOT_HTTP: Refusal = { status: 400, code: 'bad_request', detail: 'this is not HTTP' };

const STATUS_OF: ReadonlyMap<string, number> = new Map([
  ['HPE_HEADER_OVERFLOW', 431],
  ['ERR_HTTP_REQUEST_TIMEOUT', 408],
]);

/** Answers what is no HTTP request, or a hopelessly slow one, and ends the connection. */
export function answerClientError(
  error: Error & { code?: string },
  socket: Socket,
  rejections: Rejections | undefined,
): void {
  // A reset needs no answer, and one after a response has begun would be read as part of it.
  if (error.code === 'ECONNRESET' || !socket.writable || socket.bytesWritten > 0) {
    socket.destroy();
    return;
  }
  const status = STATUS_OF.get(error.code ?? '');
  const refusal = (status === undefined ? undefined : refusalOfStatus(status)) ?? NOT_HTTP;
  rejections?.inc({ code: refusal.code });
  const body = problemText(refusal);
  socket.end(
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}\r\nContent-Type: ${PROBLEM_TYPE}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n${body}`,
  );
}
