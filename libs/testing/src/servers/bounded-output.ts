/** The last bytes that a process wrote. */
export class BoundedOutput {
  private readonly chunks: Buffer[] = [];
  private bytes = 0;
  private droppedBytes = 0;

  constructor(private readonly bytesMax: number) {}

  /** Appends; drops whole chunks from the front past the bound, the newest chunk never. */
  append(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.bytes += chunk.length;
    while (this.bytes > this.bytesMax && this.chunks.length > 1) {
      const oldest = this.chunks.shift();
      this.bytes -= oldest?.length ?? 0;
      this.droppedBytes += oldest?.length ?? 0;
    }
  }

  /** What is kept; says at the top how much is not. */
  text(): string {
    const kept = Buffer.concat(this.chunks).toString('utf8');
    return this.droppedBytes === 0 ? kept : `[${this.droppedBytes} earlier bytes dropped]\n${kept}`;
  }
}
