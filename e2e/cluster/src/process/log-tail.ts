import { open } from 'node:fs/promises';

const TAIL_BYTES = 8 * 1024;

/** Returns the last lines of a file, truncated to `width`. Empty if the file does not exist. */
export async function lastLines(path: string, count: number, width = 300): Promise<readonly string[]> {
  const file = await open(path).catch(() => undefined);
  if (file === undefined) return [];
  try {
    const { size } = await file.stat();
    const start = Math.max(0, size - TAIL_BYTES);
    const { bytesRead, buffer } = await file.read(Buffer.alloc(TAIL_BYTES), 0, TAIL_BYTES, start);
    const lines = buffer.toString('utf8', 0, bytesRead).split('\n');
    return lines
      .filter((line) => line.trim() !== '')
      .slice(-count)
      .map((line) => (line.length > width ? `${line.slice(0, width)}…` : line));
  } finally {
    await file.close();
  }
}
