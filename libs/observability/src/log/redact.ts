/** Field names whose values are never written, in lower case and without separators. */
const SECRET_FIELDS = new Set([
  'authorization',
  'cookie',
  'setcookie',
  'password',
  'passwordhash',
  'token',
  'accesstoken',
  'refreshtoken',
  'secret',
  'clientsecret',
  'secrethash',
  'privatejwk',
  // What people write to each other is no business of a log either.
  'text',
  'data',
  'body',
  'payload',
  'frame',
]);

export const REDACTED = '[redacted]';
const DEPTH_MAX = 6;
const ENTRIES_MAX = 50;
const ERROR_DEPTH_MAX = 4;

export function isSecretField(name: string): boolean {
  return SECRET_FIELDS.has(name.toLowerCase().replace(/[-_]/g, ''));
}

/**
 * Gives what may be logged of an error. Its other properties are left out: drivers put rows, statements and whole
 * configurations there.
 */
function describeError(error: Error, depth: number): Record<string, unknown> {
  const { code } = error as { code?: unknown };
  const described: Record<string, unknown> = { type: error.name, message: error.message, stack: error.stack };
  if (typeof code === 'string' || typeof code === 'number') described['code'] = code;
  if (depth === 0) return described;
  if (error.cause instanceof Error) described['cause'] = describeError(error.cause, depth - 1);
  if (error instanceof AggregateError) {
    described['errors'] = error.errors
      .slice(0, ENTRIES_MAX)
      .map((each) => (each instanceof Error ? describeError(each, depth - 1) : typeof each));
  }
  return described;
}

/**
 * Gives a copy that may be logged: secret fields masked at any depth, errors cut down to what they say, binary data to
 * its length, and everything bounded, since whatever is logged may come from outside.
 */
export function redacted(value: unknown, depth = DEPTH_MAX): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return describeError(value, ERROR_DEPTH_MAX);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Date) return value;
  if (value instanceof Map || value instanceof Set) return `[${value.size} entries]`;
  if (depth === 0) return '[too deep]';
  if (Array.isArray(value)) {
    const shown = value.slice(0, ENTRIES_MAX).map((each) => redacted(each, depth - 1));
    return value.length > ENTRIES_MAX ? [...shown, `[${value.length - ENTRIES_MAX} more]`] : shown;
  }
  return redactedFields(value, depth);
}

/** The same for the fields of one object; the shape in which the logger is given them. */
export function redactedFields(fields: object, depth = DEPTH_MAX): Record<string, unknown> {
  const entries = Object.entries(fields);
  const shown = entries
    .slice(0, ENTRIES_MAX)
    .map(([name, value]) => [name, isSecretField(name) ? REDACTED : redacted(value, depth - 1)] as const);
  const more = entries.length - ENTRIES_MAX;
  return Object.fromEntries(more > 0 ? [...shown, ['more', `[${more} more]`]] : shown);
}

/** Credentials in a URL, a signed token, and a bearer token of any other form. */
const IN_PROSE: readonly [RegExp, string][] = [
  [/(\b[a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/@"\\]{1,512}@/gi, `$1${REDACTED}@`],
  [/\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*/g, REDACTED],
  [/\b(Bearer) [\w.~+/=-]{16,}/gi, `$1 ${REDACTED}`],
];

/** Masks what looks like a credential inside a finished line: messages and stacks are prose that others wrote. */
export function redactedLine(line: string): string {
  return IN_PROSE.reduce((text, [pattern, mask]) => text.replace(pattern, mask), line);
}
