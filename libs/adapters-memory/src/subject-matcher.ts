/** Compares subjects with one pattern: `*` stands for one token, a last `>` for one or more. */
export class SubjectMatcher {
  /** The pattern has no wildcard. */
  readonly exact: boolean;
  /** What every matching subject begins with; most comparisons end here. */
  private readonly prefix: string;
  private readonly tokens: readonly string[];
  private readonly open: boolean;

  constructor(pattern: string) {
    const tokens = pattern.split('.');
    const wild = tokens.findIndex((token) => token === '*' || token === '>');
    this.exact = wild < 0;
    this.prefix = wild <= 0 ? (this.exact ? pattern : '') : `${tokens.slice(0, wild).join('.')}.`;
    this.open = tokens.at(-1) === '>';
    this.tokens = this.open ? tokens.slice(0, -1) : tokens;
  }

  matches(subject: string): boolean {
    if (!subject.startsWith(this.prefix)) return false;
    if (this.exact) return subject.length === this.prefix.length;
    const parts = subject.split('.');
    const long = this.open ? parts.length > this.tokens.length : parts.length === this.tokens.length;
    return long && this.tokens.every((token, i) => token === '*' || token === parts[i]);
  }
}
