const BLOCK = 512;
/** Maximum length of a name without a prefix. */
const NAME_LENGTH = 100;

export interface TarFile {
  /** The path, relative to the root. */
  readonly name: string;
  readonly content: Uint8Array;
  readonly mode?: number;
}

/** Returns a tar archive (ustar) with files. The folders of their paths are created by the runtime that unpacks it. */
export function createTar(files: readonly TarFile[]): Uint8Array {
  return Buffer.concat([...files.flatMap(createEntry), Buffer.alloc(2 * BLOCK)]);
}

function createEntry({ name, content, mode = 0o755 }: TarFile): readonly Uint8Array[] {
  if (Buffer.byteLength(name) > NAME_LENGTH) throw new RangeError(`${name} is too long for a tar archive`);
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`;
  header.write(name, 0);
  header.write(octal(mode, 8), 100);
  header.write(octal(0, 8), 108);
  header.write(octal(0, 8), 116);
  header.write(octal(content.length, 12), 124);
  header.write(octal(0, 12), 136);
  header.write(' '.repeat(8), 148);
  header.write('0', 156);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((all, byte) => all + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return [header, content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)];
}
