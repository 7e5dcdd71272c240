/** A parsed JSON value, not validated. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;

/** A parsed JSON object, not validated. Code that reads it must check the type of each field. */
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

/** Returns whether a value is a JSON object (not null, not an array). */
export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
