import type { Json } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';

/**
 * Removes fields whose value is `null`, as the API server does before it sets defaults, because YAML often contains
 * `podSelector:` without a value. A `null` entry of a list is kept, so that the schema rejects it.
 */
export function withoutNulls(value: Json | undefined): Json | undefined {
  if (Array.isArray(value)) return value.map((entry: Json) => withoutNulls(entry) ?? null);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== null)
      .map(([name, field]) => [name, withoutNulls(field)]),
  );
}
