/** Maximum length of a tenant's text in a line. Image references have hosts and repositories of at most 255 characters. */
const MAX_LENGTH = 255;
/** Control, format, surrogate and unassigned characters. Some of them change how a terminal shows a line. */
const INVISIBLE = /\p{C}/gu;

/** Returns a text as it may appear in a log line: short, and without invisible characters. */
export function boundText(text: string): string {
  const cut = text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text;
  return cut.replaceAll(INVISIBLE, '');
}
