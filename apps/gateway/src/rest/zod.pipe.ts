import { UnsupportedMediaTypeException, type PipeTransform } from '@nestjs/common';
import { TroupeError } from '@troupe/protocol';
import type { z } from 'zod';

/** Checks a body, a query or a path against a schema; refuses with `bad_request` and repeats nothing of what was sent. */
export class ZodPipe<T> implements PipeTransform<unknown, T> {
  constructor(private readonly schema: z.ZodType<T>) {}

  transform(value: unknown): T {
    // Forms are for the token endpoint; everywhere else they would let a page of any origin post.
    if (value instanceof URLSearchParams) throw new UnsupportedMediaTypeException();
    const result = this.schema.safeParse(value);
    if (result.success) return result.data;
    throw new TroupeError('bad_request', problemOf(result.error));
  }
}

function problemOf(error: z.ZodError): string {
  const issue = error.issues[0];
  if (!issue) return 'invalid';
  // Its message and path would repeat the client's own names.
  if (issue.code === 'unrecognized_keys') return 'unknown field';
  const path = issue.path.map(String).join('.');
  return path === '' ? issue.message : `${path}: ${issue.message}`;
}
