/** Most bytes that one UTF-16 code unit takes in UTF-8. */
export const MAX_BYTES_PER_UNIT = 3;

/** Bytes of a text in UTF-8; a lone surrogate counts as the replacement character that an encoder makes of it. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) bytes += 1;
    else if (isLead(unit) && isTrail(text.charCodeAt(i + 1))) {
      // Four bytes for the two units of a pair.
      bytes += 2;
      i += 1;
    } else bytes += 2;
  }
  return bytes;
}

/**
 * A text of a tenant made fit to be shown: characters that image references and label keys have, and at most `max` of
 * them, the middle left out.
 */
export function quote(text: string, max: number): string {
  const clean = text.slice(0, MAX_SHOWN).replaceAll(/[^A-Za-z0-9._:/@-]/g, '?');
  if (clean.length <= max && text.length <= MAX_SHOWN) return clean;
  const head = Math.ceil((max - 1) / 2);
  return `${clean.slice(0, head)}~${clean.slice(clean.length - (max - 1 - head))}`;
}

/** Longer texts are cut before they are looked at. */
const MAX_SHOWN = 1024;

function isLead(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isTrail(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
