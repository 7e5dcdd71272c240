import { z } from 'zod';
import { archPolicySpecSchema } from './spec.ts';
import { archPolicyStatusSchema } from './status.ts';

/** A JSON Schema object, not yet converted to a structural schema. */
export type SchemaDocument = Readonly<Record<string, unknown>>;

/**
 * Returns the OpenAPI 3.0 schemas of specification and status, from which the CRD is generated. Fields with a default
 * are optional in these schemas.
 */
export function archPolicyJsonSchemas(): { readonly spec: SchemaDocument; readonly status: SchemaDocument } {
  const document = (schema: z.ZodType): SchemaDocument => ({
    ...z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input', reused: 'inline', unrepresentable: 'throw' }),
  });
  return { spec: document(archPolicySpecSchema), status: document(archPolicyStatusSchema) };
}
