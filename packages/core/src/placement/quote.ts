/** Maximum number of UTF-8 bytes for one UTF-16 code unit. */
export const MAX_BYTES_PER_UNIT = 3;

/** Returns the length in UTF-8 bytes; a lone surrogate counts as the replacement character that an encoder writes. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) bytes += 1;
    else if (isLead(unit) && isTrail(text.charCodeAt(i + 1))) {
      // A surrogate pair has four bytes, but its two units have been counted as one byte each.
      bytes += 2;
      i += 1;
    } else bytes += 2;
  }
  return bytes;
}

/**
 * Returns a tenant's text in a form that is safe to display. Characters that no image reference or label key contains
 * become `?`. If the text has more than `max` characters, its middle is omitted.
 */
export function quote(text: string, max: number): string {
  const clean = text.slice(0, MAX_SHOWN).replaceAll(/[^A-Za-z0-9._:/@-]/g, '?');
  if (clean.length <= max && text.length <= MAX_SHOWN) return clean;
  const head = Math.ceil((max - 1) / 2);
  return `${clean.slice(0, head)}~${clean.slice(clean.length - (max - 1 - head))}`;
}

/** Maximum number of characters that are processed. Longer texts are truncated first. */
const MAX_SHOWN = 1024;

function isLead(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isTrail(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
