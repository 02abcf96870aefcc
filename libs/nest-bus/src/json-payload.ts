const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Parses a payload. Throws SyntaxError when it is not JSON in well-formed UTF-8; an empty one is not. */
export function parseJsonPayload(payload: Uint8Array): unknown {
  let text: string;
  try {
    text = utf8.decode(payload);
  } catch (cause) {
    throw new SyntaxError('not UTF-8', { cause });
  }
  return JSON.parse(text);
}

/** Nothing to say is said as null: whoever asked waits for a reply. */
export function jsonPayload(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value) ?? 'null');
}
