import { z } from 'zod';
import { archPolicySpecSchema } from './spec.ts';
import { archPolicyStatusSchema } from './status.ts';

/** A JSON Schema object, not yet converted to a structural schema. */
export type SchemaDocument = Readonly<Record<string, unknown>>;

/** Returns the sources of the CRD: specification and status as OpenAPI 3.0 schemas, before defaulting. */
export function archPolicyJsonSchemas(): { readonly spec: SchemaDocument; readonly status: SchemaDocument } {
  const document = (schema: z.ZodType): SchemaDocument => ({
    ...z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input', reused: 'inline', unrepresentable: 'throw' }),
  });
  return { spec: document(archPolicySpecSchema), status: document(archPolicyStatusSchema) };
}
