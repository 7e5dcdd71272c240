import type { Json } from '../json/json.ts';
import { describeParseError } from './parse-problem.ts';

export type JsonParse =
  | { readonly kind: 'json'; readonly value: Json }
  /** The problem names a position and quotes nothing of the text. */
  | { readonly kind: 'invalid'; readonly problem: string };

/** Parses a JSON text. Never throws: the error of JSON.parse quotes the text, and must go nowhere. */
export function parseJson(text: string): JsonParse {
  try {
    return { kind: 'json', value: JSON.parse(text) as Json };
  } catch (error) {
    return { kind: 'invalid', problem: describeParseError(error) };
  }
}
