import type { Subject, SubjectPattern } from '@troupe/protocol';

/** Longer subjects are nobody's; the server's own limit for a whole control line is 4096 bytes. */
const SUBJECT_LENGTH_MAX = 255;
/** How many checked subjects are remembered. */
const REMEMBERED_MAX = 8_192;

/** Printable ASCII but `*`, `.` and `>`: a space or a line break would end the field or the protocol line. */
const TOKEN = '[!-)+\\-/-=?-~]+';
const SUBJECT = new RegExp(`^${TOKEN}(?:\\.${TOKEN})*$`);
const PATTERN = new RegExp(`^(?:(?:${TOKEN}|\\*)(?:\\.(?:${TOKEN}|\\*))*(?:\\.>)?|>)$`);
const QUEUE = /^[A-Za-z0-9_-]{1,64}$/;

const remembered = new Set<string>();

/**
 * Throws a RangeError unless `subject` can be published to: dot-separated, non-empty tokens without wildcards.
 * The client library writes subjects to the wire as they are, so this is the last point where a forged protocol line
 * can be stopped.
 */
export function assertSubject(subject: Subject): void {
  if (remembered.has(subject)) return;
  if (subject.length > SUBJECT_LENGTH_MAX || !SUBJECT.test(subject)) {
    throw new RangeError('not a legal subject');
  }
  // Dropping everything when it is full costs one check for each that comes again; an order of use costs more.
  if (remembered.size >= REMEMBERED_MAX) remembered.clear();
  remembered.add(subject);
}

/** The same for a subscription, where tokens may be `*` and the last one `>`. */
export function assertPattern(pattern: SubjectPattern): void {
  if (pattern.length > SUBJECT_LENGTH_MAX || !PATTERN.test(pattern)) {
    throw new RangeError('not a legal subject pattern');
  }
}

export function assertQueue(queue: string): void {
  if (!QUEUE.test(queue)) throw new RangeError('not a legal queue name');
}
