import type { CatchUp } from './commands';

/** Follows one reader: each number from the first on must be delivered or announced, once, in order. */
export class Coverage {
  received = 0;
  announced = 0;
  gaps = 0;
  silent = 0;
  disordered = 0;
  #next: number | undefined;

  /** Starts over: what was read so far is not part of the account. */
  restart(): void {
    this.received = this.announced = this.gaps = this.silent = this.disordered = 0;
  }

  message(seq: number): void {
    if (this.#expect(seq)) this.received += 1;
    if (this.#next === undefined || seq >= this.#next) this.#next = seq + 1;
  }

  gap(from: number, to: number): void {
    this.gaps += 1;
    if (this.#expect(from)) this.announced += to - from + 1;
    if (this.#next === undefined || to >= this.#next) this.#next = to + 1;
  }

  /** The newest number that is accounted for. */
  get last(): number {
    return (this.#next ?? 1) - 1;
  }

  summary(closed: boolean): CatchUp {
    const { received, announced, gaps, silent, disordered } = this;
    return { received, announced, gaps, silent, disordered, closed };
  }

  #expect(seq: number): boolean {
    if (this.#next === undefined || seq === this.#next) return true;
    if (seq < this.#next) {
      this.disordered += 1;
      return false;
    }
    this.silent += seq - this.#next;
    return true;
  }
}
