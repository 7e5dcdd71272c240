import { CodedError, describeParseError, isParseError } from '@archpolicy/core';

/** Bad configuration. The message is one line with the variable, the problem and an example. */
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
  /** Undefined when the variable is not set and a default source is used. */
  readonly value: string | undefined;
  readonly example: string;
}

/**
 * Runs `use`, which depends on the value of a variable. When `use` fails, throws an error that names the variable.
 * @throws ConfigError
 */
export async function withVariableContext<T>(
  { variable, value, example }: VariableInUse,
  use: () => Promise<T>,
): Promise<T> {
  try {
    return await use();
  } catch (error) {
    const what = value === undefined ? 'it is not set, and the default fails' : `"${value}" cannot be used`;
    throw new ConfigError(variable, `${what} (${describeCause(error)})`, example);
  }
}

/**
 * Returns the error's message, with the message of the system call that caused it. Omits other causes, because a parser
 * quotes its input, which may contain a token.
 */
function describeCause(error: unknown): string {
  if (!(error instanceof Error)) return 'unexpected failure';
  if (isParseError(error)) return describeParseError(error);
  const { cause } = error;
  return cause instanceof Error && 'syscall' in cause ? `${error.message}: ${cause.message}` : error.message;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/gu, ' ');
}
