/** Bad configuration: its message is one line that names the variable, says what is wrong and gives an example. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'BadConfiguration';
  /** The variable at fault. */
  readonly variable: string;

  constructor(variable: string, problem: string, example: string) {
    super(oneLine(`${variable}: ${problem}; example: ${variable}=${example}`));
    this.variable = variable;
  }
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/gu, ' ');
}
