/** Any JSON value, as parsed and not yet trusted. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;

/** A JSON object as parsed and not yet trusted: look a field up, then check its type. */
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

/** Whether a value is a JSON object (not null, not an array). */
export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
