import { sanitizeText } from '@archpolicy/service';

/** Maximum length of a quoted message, in characters. A longer text would hide the rest of the condition's message. */
const MAX_WORDS = 300;
/**
 * The name of the probe pod with the suffix that the API server generates. Without the suffix, a message is the same
 * for each probe.
 * https://github.com/kubernetes/apimachinery/blob/v0.36.3/pkg/util/rand/rand.go (`alphanums`)
 */
const GENERATED_NAME = /\bprobe-[bcdfghjklmnpqrstvwxz2456789]{5}\b/gu;

/**
 * Returns a message of the API server for a quotation in a condition, an event or a log line: on one line, bounded,
 * without control characters, without secrets, and with `'` instead of `"`.
 */
export function quotableWords(message: string): string {
  const text = message.replaceAll(GENERATED_NAME, 'probe').replaceAll(/\s+/gu, ' ').replaceAll('"', "'").trim();
  return sanitizeText(text, MAX_WORDS);
}

/**
 * Whether two messages differ only in numbers, such as ports, times and quotas. A condition keeps the earlier one then,
 * because otherwise each probe would change it.
 */
export function isSameMessage(one: string, other: string): boolean {
  return withoutNumbers(one) === withoutNumbers(other);
}

function withoutNumbers(text: string): string {
  return text.replaceAll(/\d+/gu, '#');
}
