/** A structural schema: the subset of OpenAPI that a CustomResourceDefinition accepts. */
export type StructuralSchema = Readonly<Record<string, unknown>>;

/** The OpenAPI keywords of a CRD, in the order of the output. */
const KEYWORDS = [
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

const supported: ReadonlySet<string> = new Set(KEYWORDS);

/** Thrown for a schema that a CRD cannot express. Omitting an unsupported keyword would change the schema's meaning. */
export class NotStructuralError extends Error {
  override readonly name = 'NotStructuralError';
  readonly code = 'NotStructural';
}

/**
 * Converts zod's JSON Schema to a structural schema whose keywords have a fixed order. Throws if a keyword is not
 * supported, or if a field has no type or no description.
 * @throws NotStructuralError
 */
export function toStructural(schema: unknown, path: string): StructuralSchema {
  if (!isRecord(schema)) throw new NotStructuralError(`${path}: the schema is not an object`);
  const unknown = Object.keys(schema).filter((keyword) => !supported.has(keyword) && keyword !== '$schema');
  if (unknown.length > 0) throw new NotStructuralError(`${path}: a CRD does not support ${unknown.join(', ')}`);
  if (typeof schema['description'] !== 'string') throw new NotStructuralError(`${path}: the field has no description`);
  if (typeof schema['type'] !== 'string') throw new NotStructuralError(`${path}: the field has no type`);
  return Object.fromEntries(
    KEYWORDS.filter((keyword) => keyword in schema && !(keyword === 'minItems' && schema[keyword] === 0)).map(
      (keyword) => [keyword, convertValue(keyword, schema[keyword], path)],
    ),
  );
}

function convertValue(keyword: string, value: unknown, path: string): unknown {
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
