import type { Description, Reading, Setting } from './setting';
import { oneOf } from './setting';

/** One of a closed set of words. */
export function choice<const T extends string>(
  options: Description & { of: readonly T[]; default: NoInfer<T> },
): Setting<T> {
  const words = oneOf(options.of);
  return {
    meaning: options.meaning,
    usedBy: options.usedBy,
    unit: null,
    fallback: options.default,
    defaultText: options.default,
    bounds: words,
    read: (raw) => {
      const value = options.of.find((word) => word === raw);
      return value === undefined
        ? { ok: false, problem: `is none of the known words; expected ${words}` }
        : { ok: true, value };
    },
  };
}

/** Any text that matches a pattern. */
export function text(
  options: Description & { pattern: RegExp; bounds: string; default: string },
): Setting<string> {
  return {
    meaning: options.meaning,
    usedBy: options.usedBy,
    unit: null,
    fallback: options.default,
    defaultText: options.default,
    bounds: options.bounds,
    read: (raw) =>
      options.pattern.test(raw)
        ? { ok: true, value: raw }
        : { ok: false, problem: `is not usable; expected ${options.bounds}` },
  };
}

// An entry with a path or a trailing slash would never equal an Origin header, and so allow nobody without a word.
function isOrigin(entry: string): boolean {
  return /^https?:\/\//.test(entry) && URL.canParse(entry) && new URL(entry).origin === entry;
}

function readOrigins(bounds: string, raw: string): Reading<readonly string[]> {
  const entries = raw
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  const wrong = entries.findIndex((entry) => !isOrigin(entry));
  return wrong === -1
    ? { ok: true, value: entries }
    : { ok: false, problem: `entry ${wrong + 1} is no origin; expected ${bounds}` };
}

/** Exact browser origins, comma-separated. */
export function origins(options: Description): Setting<readonly string[]> {
  const bounds = 'scheme://host[:port] without a path, in lower case, separated by commas; empty allows any';
  return {
    ...options,
    unit: null,
    fallback: [],
    defaultText: '',
    bounds,
    read: (raw) => readOrigins(bounds, raw),
  };
}
