/**
 * Returns the forms in which a marker may appear: plain, and in base64 at each of the three offsets.
 * @param marker at least about ten characters, because the ends of a base64 form depend on the adjacent bytes
 */
export function listEncodings(marker: string): readonly string[] {
  const inBase64 = [0, 1, 2].map((offset) => {
    const encoded = Buffer.from('x'.repeat(offset) + marker)
      .toString('base64')
      .replace(/=+$/, '');
    return encoded.slice(offset === 0 ? 0 : offset + 1, -2);
  });
  return [marker, ...inBase64];
}
