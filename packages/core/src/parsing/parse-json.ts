import type { Json } from '../json/json.ts';
import { failed, ok } from '../result.ts';
import type { Result } from '../result.ts';
import { describeParseError } from './parse-problem.ts';

/**
 * Parses a JSON text. Never throws. A failure describes the position but, unlike the error of JSON.parse, contains no
 * part of the text.
 */
export function parseJson(text: string): Result<Json, string> {
  try {
    return ok(JSON.parse(text) as Json);
  } catch (error) {
    return failed(describeParseError(error));
  }
}

/** Parses a JSON text; undefined if it is not JSON. */
export function jsonOrUndefined(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
