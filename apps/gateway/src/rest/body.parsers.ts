import { BadRequestException } from '@nestjs/common';
import type { FastifyAdapter } from '@nestjs/platform-fastify';

// Without `fatal`, broken UTF-8 would be stored as replacement characters: not what was sent.
const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Makes the server read JSON, and forms as `URLSearchParams` for the token endpoint; nothing else.
 * Keys that would poison a prototype are refused wherever they are in the JSON.
 */
export function useBodyParsers(adapter: FastifyAdapter, bodyLimit: number): void {
  const server = adapter.getInstance();
  const parseJson = server.getDefaultJsonParser('error', 'error');
  adapter.useBodyParser('application/json', false, { bodyLimit }, (request, body, done) => {
    const text = decoded(body);
    if (text === undefined) return done(new BadRequestException());
    // It answers through `done`, also when it throws: it returns nothing to wait for.
    void parseJson(request, text, done);
  });
  adapter.useBodyParser('application/x-www-form-urlencoded', false, { bodyLimit }, (_request, body, done) => {
    const text = decoded(body);
    return text === undefined ? done(new BadRequestException()) : done(null, new URLSearchParams(text));
  });
  server.removeContentTypeParser('text/plain');
}

function decoded(body: Buffer): string | undefined {
  try {
    return utf8.decode(body);
  } catch {
    return undefined;
  }
}
