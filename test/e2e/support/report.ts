/** Prints a measured figure with the test's output, and when: histories are stamped with the same clock. */
export function report(line: string): void {
  process.stdout.write(`  [${performance.now().toFixed(0)}] ${line}\n`);
}
