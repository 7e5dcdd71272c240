/** Bad arguments of a program of this folder. The message names the argument and what it may be. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Parses arguments. If they are bad, prints one line and returns undefined: the program ends with status 2. */
export function parseArguments<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return undefined;
  }
}

/**
 * Parses a whole number of at least `min`; undefined if the text is empty.
 * @throws UsageError if it is something else
 */
export function parseWholeNumber(name: string, text: string, min: number): number | undefined {
  if (text === '') return undefined;
  const value = Number(text);
  if (/^[0-9]+$/u.test(text) && Number.isSafeInteger(value) && value >= min) return value;
  throw new UsageError(`${name}="${text}" is no whole number from ${min}; example: ${name}=30`);
}
