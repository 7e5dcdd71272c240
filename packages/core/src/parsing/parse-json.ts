import type { Json } from '../json/json.ts';
import { failed, ok } from '../result.ts';
import type { Result } from '../result.ts';
import { describeParseError } from './parse-problem.ts';

/**
 * Parses a JSON text. Never throws: the error of JSON.parse quotes the text and is discarded. The failure names a
 * position and quotes nothing of the text.
 */
export function parseJson(text: string): Result<Json, string> {
  try {
    return ok(JSON.parse(text) as Json);
  } catch (error) {
    return failed(describeParseError(error));
  }
}

/** The same where the reason does not matter: undefined for a text that is not JSON. */
export function jsonOrUndefined(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
