/** Prints a measured figure with the test's output. Jest's console would add a stack to each. */
export function report(line: string): void {
  process.stdout.write(`  ${line}\n`);
}
