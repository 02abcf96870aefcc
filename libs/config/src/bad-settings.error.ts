/** One variable that cannot be used, and why. Repeats no secret. */
export interface SettingProblem {
  variable: string;
  problem: string;
}

/** The environment cannot be used. The message lists every bad variable, one a line; not temporary. */
export class BadSettings extends Error {
  override readonly name = 'BadSettings';

  constructor(readonly problems: readonly SettingProblem[]) {
    const lines = problems.map(({ variable, problem }) => `  ${variable} ${problem}`);
    super(
      `${problems.length === 1 ? '1 setting is' : `${problems.length} settings are`} wrong:\n${lines.join('\n')}`,
    );
  }
}
