/**
 * What to search for to find a marker string: itself, and what it looks like inside base64 at each of the three offsets.
 * @param marker at least some ten characters: the ends of a base64 form depend on what stands around
 */
export function formsOf(marker: string): readonly string[] {
  const inBase64 = [0, 1, 2].map((offset) => {
    const encoded = Buffer.from('x'.repeat(offset) + marker)
      .toString('base64')
      .replace(/=+$/, '');
    return encoded.slice(offset === 0 ? 0 : offset + 1, -2);
  });
  return [marker, ...inBase64];
}
