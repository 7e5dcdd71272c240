/** A failure that the user can end. Its message is one line that names the remedy. The command exits with status 2. */
export class ImageError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ImageError';
  }
}

/** Returns the message of a thrown value in one line. */
export function describeError(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replaceAll(/\s*\n\s*/gu, ' ').trim();
}
