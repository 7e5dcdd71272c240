import { open } from 'node:fs/promises';
import { errorCode } from '@archpolicy/core';
import type { SourceRead } from '@archpolicy/process';

/** Maximum size of a file, or of one value of a Secret. A chain of a dozen certificates is 20 KB. */
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

/** The outcome of an error while files are read. `what` names the files; `absent` is the problem of files that do not exist. */
export function describeReadError(
  error: unknown,
  { what, absent }: { readonly what: string; readonly absent: string },
): SourceRead<never> {
  const code = errorCode(error);
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return { kind: 'rejected', rejection: { outcome: 'absent', code: 'FilesAbsent', problem: absent } };
  }
  return bad('FilesUnreadable', `${what} cannot be read (${code ?? 'unknown error'})`);
}

export function describeTooLarge(file: string): SourceRead<never> {
  return bad('FileTooLarge', `${file} is larger than ${MAX_FILE_BYTES} bytes`);
}

/** The outcome of content that cannot be used. */
export function bad(code: string, problem: string): SourceRead<never> {
  return { kind: 'rejected', rejection: { outcome: 'bad', code, problem } };
}
