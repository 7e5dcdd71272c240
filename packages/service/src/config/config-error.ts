import { CodedError, describeParseError, isParseError } from '@archpolicy/core';

/** Bad configuration: its message is one line that names the variable, says what is wrong and gives an example. */
export class ConfigError extends CodedError<'BadConfiguration'> {
  override readonly name = 'ConfigError';
  /** The variable at fault. */
  readonly variable: string;

  constructor(variable: string, problem: string, example: string) {
    super('BadConfiguration', oneLine(`${variable}: ${problem}; example: ${variable}=${example}`));
    this.variable = variable;
  }
}

/** A variable and the value that it has. */
export interface VariableInUse {
  readonly variable: string;
  /** Undefined when it is not set and what it stands for is looked for elsewhere. */
  readonly value: string | undefined;
  readonly example: string;
}

/**
 * Runs what a variable's value is for, so that a wrong one ends the start with one line that names it.
 * @throws ConfigError
 */
export async function using<T>({ variable, value, example }: VariableInUse, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    const what = value === undefined ? 'it is not set, and what is used instead fails' : `"${value}" cannot be used`;
    throw new ConfigError(variable, `${what} (${reasonOf(error)})`, example);
  }
}

/**
 * Our packages' errors say what is wrong, and what the system said to it. Other causes are not told: a parser quotes what
 * it failed on, and that may be a token.
 */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unexpected failure';
  if (isParseError(error)) return describeParseError(error);
  const { cause } = error;
  return cause instanceof Error && 'syscall' in cause ? `${error.message}: ${cause.message}` : error.message;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/gu, ' ');
}
