import { z } from 'zod';
import { archPolicySpecSchema } from './spec.ts';
import { archPolicyStatusSchema } from './status.ts';

/** A JSON Schema object, still to be adapted to what a CRD takes. */
export type SchemaDocument = Readonly<Record<string, unknown>>;

/** What the CRD is generated from: specification and status as OpenAPI 3.0 schemas, as they are before defaulting. */
export function archPolicyJsonSchemas(): { readonly spec: SchemaDocument; readonly status: SchemaDocument } {
  const document = (schema: z.ZodType): SchemaDocument => ({
    ...z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input', reused: 'inline', unrepresentable: 'throw' }),
  });
  return { spec: document(archPolicySpecSchema), status: document(archPolicyStatusSchema) };
}
