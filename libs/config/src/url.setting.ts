import type { Description, Reading, Setting } from './setting';
import { oneOf } from './setting';

interface UrlRules {
  schemes: readonly string[];
  /** The host may be a `host=` parameter instead, as Postgres writes a Unix socket. */
  hostParameter?: true;
}

/** A malformed escape passes `new URL` and throws only when the client connects. */
function decodes(part: string): boolean {
  try {
    decodeURIComponent(part);
    return true;
  } catch {
    return false;
  }
}

// No problem repeats any part of the value: a URL that cannot be read is where a password hides best.
function readUrl({ schemes, hostParameter }: UrlRules, raw: string): Reading<string> {
  const bad = (problem: string): Reading<string> => ({
    ok: false,
    problem: `${problem}; expected one URL that starts with ${oneOf(schemes.map((s) => `${s}://`))} (value not shown)`,
  });
  if (!schemes.some((scheme) => raw.toLowerCase().startsWith(`${scheme}://`)))
    return bad('has another scheme');
  if (/[\s,]/.test(raw)) return bad('contains white space or a comma');
  if (!URL.canParse(raw)) return bad('is not a URL');
  const url = new URL(raw);
  const host = url.hostname || (hostParameter ? url.searchParams.get('host') : null);
  if (!host) return bad('has no host');
  if (!decodes(url.username) || !decodes(url.password))
    return bad('has a malformed %-escape in its credentials');
  return { ok: true, value: raw };
}

/** The URL of an external part; without it the embedded part is used. Never repeated in a message. */
export function url(options: Description & UrlRules): Setting<string | undefined> {
  return {
    meaning: options.meaning,
    usedBy: options.usedBy,
    unit: null,
    fallback: undefined,
    defaultText: '',
    bounds: oneOf(options.schemes.map((s) => `${s}://`)),
    read: (raw) => readUrl(options, raw),
  };
}
