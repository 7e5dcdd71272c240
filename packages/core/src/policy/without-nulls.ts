import type { Json } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';

/**
 * Takes out the fields whose value is `null`, as the API server does before it fills defaults in: `podSelector:` with
 * nothing behind it is a common way to write YAML. An entry of a list stays what it is, and is refused.
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
