import type { Description, Reading, Setting, Unit } from './setting';

interface Bounds {
  unit: Unit;
  min: number;
  max: number;
}

// Number() would also take 1e3, 0x10, 1.5, '' and a leading zero that its writer may have meant as octal.
const WHOLE = /^(0|[1-9]\d{0,15})$/;
/** What may be repeated in a problem: a number. Anything else may be a secret that was put into the wrong variable. */
const NUMERIC = /^[-+]?[\d._]{1,20}$/;

function readWithin({ unit, min, max }: Bounds, raw: string): Reading<number> {
  const value = WHOLE.test(raw) ? Number(raw) : Number.NaN;
  if (value >= min && value <= max) return { ok: true, value };
  const given = NUMERIC.test(raw) ? `is ${raw}` : 'is not a whole number';
  return { ok: false, problem: `${given}; expected a whole number (${unit}) from ${min} to ${max}` };
}

/** A whole number with a default. A default outside its own bounds is a bug of the catalogue; a spec looks for it. */
export function integer(options: Description & Bounds & { default: number }): Setting<number> {
  const { meaning, usedBy, unit, min, max } = options;
  return {
    meaning,
    usedBy,
    unit,
    fallback: options.default,
    defaultText: String(options.default),
    bounds: `${min} to ${max}`,
    read: (raw) => readWithin(options, raw),
  };
}

/** A whole number that may be absent. */
export function optionalInteger(options: Description & Bounds): Setting<number | undefined> {
  const { meaning, usedBy, unit, min, max } = options;
  return {
    meaning,
    usedBy,
    unit,
    fallback: undefined,
    defaultText: '',
    bounds: `${min} to ${max}`,
    read: (raw) => readWithin(options, raw),
  };
}
