import { open } from 'node:fs/promises';
import { errorCode } from '@archpolicy/core';

/** Maximum size of a file. A chain of a dozen certificates is 20 KB. */
export const MAX_FILE_BYTES = 256 * 1024;

/** Reads a file. Returns undefined if the file exceeds MAX_FILE_BYTES. */
export async function readBounded(path: string): Promise<Buffer | undefined> {
  const file = await open(path, 'r');
  try {
    const length = MAX_FILE_BYTES + 1;
    const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, 0);
    return bytesRead === length ? undefined : Buffer.from(buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

/** The outcome of an error while files are read. `what` names the files. */
export function describeReadError(
  error: unknown,
  what: string,
): { readonly kind: 'absent' } | { readonly kind: 'bad'; readonly code: 'FilesUnreadable'; readonly problem: string } {
  const code = errorCode(error);
  if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'absent' };
  return { kind: 'bad', code: 'FilesUnreadable', problem: `${what} cannot be read (${code ?? 'unknown error'})` };
}

export function describeTooLarge(file: string): {
  readonly kind: 'bad';
  readonly code: 'FileTooLarge';
  readonly problem: string;
} {
  return { kind: 'bad', code: 'FileTooLarge', problem: `${file} is larger than ${MAX_FILE_BYTES} bytes` };
}
