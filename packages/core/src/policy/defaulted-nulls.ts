import { z } from 'zod';
import type { Json } from '../kubernetes/json.ts';
import { isJsonObject } from '../kubernetes/json.ts';

/**
 * Takes out what stands as `null` where the schema has a default, as the API server does before it fills defaults in:
 * `podSelector:` with nothing behind it is a common way to write YAML. Any other `null` stays and is refused.
 */
export function withoutDefaultedNulls(value: Json | undefined, schema: unknown): Json | undefined {
  const inner = unwrap(schema);
  if (!(inner instanceof z.ZodObject) || !isJsonObject(value)) return value;
  const shape: Readonly<Record<string, unknown>> = inner.shape;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, field]) => field !== null || !isDefaulted(shape[name]))
      .map(([name, field]) => [name, withoutDefaultedNulls(field, shape[name])]),
  );
}

function isDefaulted(schema: unknown): boolean {
  return schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault;
}

function unwrap(schema: unknown): unknown {
  return isDefaulted(schema) || schema instanceof z.ZodOptional
    ? unwrap((schema as z.ZodDefault | z.ZodOptional).unwrap())
    : schema;
}
