import { readFileSync } from 'node:fs';
import { archPolicyJsonSchemas } from '@archpolicy/core';
import { describe, expect, test } from '@jest/globals';
import { renderCrd } from './crd.ts';
import { NotStructuralError, toStructural } from './structural.ts';
import type { StructuralSchema } from './structural.ts';

/** The fields that could grow without end: CEL rules below or beside them would exceed their cost budget. */
function unbounded(schema: StructuralSchema, path: string): string[] {
  const bounds = [
    ['items', 'maxItems'],
    ['additionalProperties', 'maxProperties'],
  ] as const;
  const isString = schema['type'] === 'string' && !('enum' in schema);
  const open =
    (isString && !('maxLength' in schema)) ||
    bounds.some(([keyword, bound]) => keyword in schema && !(bound in schema));
  return [...(open ? [path] : []), ...fieldsOf(schema).flatMap(([name, field]) => unbounded(field, `${path}.${name}`))];
}

function fieldsOf({ properties = {}, items, additionalProperties }: StructuralSchema): [string, StructuralSchema][] {
  const fields = Object.entries({ ...(properties as object), '[]': items, '{}': additionalProperties });
  return fields.filter((entry): entry is [string, StructuralSchema] => typeof entry[1] === 'object');
}

describe('crds/archpolicies.yaml', () => {
  test('is what the generator writes: run `make crds` after a change of the schema', () => {
    expect(readFileSync(new URL('../archpolicies.yaml', import.meta.url), 'utf8')).toBe(renderCrd());
  });

  test.each(Object.entries(archPolicyJsonSchemas()))('%s bounds every string, list and map', (part, schema) => {
    expect(unbounded(toStructural(schema, part), part)).toEqual([]);
  });
});

describe('toStructural', () => {
  test('keeps what a CRD takes and drops the dialect', () => {
    expect(
      toStructural(
        { $schema: 'x', type: 'array', description: 'd', minItems: 0, items: { type: 'string', description: 'i' } },
        'a',
      ),
    ).toEqual({ type: 'array', description: 'd', items: { type: 'string', description: 'i' } });
  });

  test.each<[string, unknown, string]>([
    [
      'a keyword that a CRD does not have',
      { type: 'object', description: 'd', propertyNames: {} },
      'f: a CRD has no propertyNames',
    ],
    ['a field without description', { type: 'string' }, 'f: a description is missing'],
    ['a field without type', { description: 'd' }, 'f: a type is missing'],
    ['what is no schema', 'text', 'f: a schema is an object'],
    [
      'a field below',
      { type: 'object', description: 'd', properties: { a: { type: 'string' } } },
      'f.a: a description is missing',
    ],
  ])('refuses %s', (_, schema, message) => {
    expect(() => toStructural(schema, 'f')).toThrow(new NotStructuralError(message));
  });
});
