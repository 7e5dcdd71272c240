/** A schema as a CustomResourceDefinition takes it. */
export type StructuralSchema = Readonly<Record<string, unknown>>;

/** What a CRD takes of OpenAPI, in the order in which it reads best. */
const KEPT = [
  'type',
  'format',
  'description',
  'default',
  'enum',
  'pattern',
  'minimum',
  'maximum',
  'maxLength',
  'minLength',
  'minItems',
  'maxItems',
  'maxProperties',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-map-type',
  'x-kubernetes-validations',
  'required',
  'properties',
  'additionalProperties',
  'items',
] as const;

const kept: ReadonlySet<string> = new Set(KEPT);

/** Thrown when the schema says something that a CRD cannot: leaving it out would make the CRD mean something else. */
export class NotStructuralError extends Error {
  override readonly name = 'NotStructuralError';
  readonly code = 'NotStructural';
}

/** Adapts what zod writes to a structural schema: known keywords in a fixed order, descriptions on every field. */
export function toStructural(schema: unknown, path: string): StructuralSchema {
  if (!isRecord(schema)) throw new NotStructuralError(`${path}: a schema is an object`);
  const unknown = Object.keys(schema).filter((keyword) => !kept.has(keyword) && keyword !== '$schema');
  if (unknown.length > 0) throw new NotStructuralError(`${path}: a CRD has no ${unknown.join(', ')}`);
  if (typeof schema['description'] !== 'string') throw new NotStructuralError(`${path}: a description is missing`);
  if (typeof schema['type'] !== 'string') throw new NotStructuralError(`${path}: a type is missing`);
  return Object.fromEntries(
    KEPT.filter((keyword) => keyword in schema && !(keyword === 'minItems' && schema[keyword] === 0)).map((keyword) => [
      keyword,
      below(keyword, schema[keyword], path),
    ]),
  );
}

function below(keyword: string, value: unknown, path: string): unknown {
  switch (keyword) {
    case 'properties':
      return isRecord(value)
        ? Object.fromEntries(
            Object.entries(value).map(([name, field]) => [name, toStructural(field, `${path}.${name}`)]),
          )
        : value;
    case 'items':
    case 'additionalProperties':
      return toStructural(value, `${path}[*]`);
    default:
      return value;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
