import { readFileSync } from 'node:fs';
import { archPolicyJsonSchemas } from '@archpolicy/core';
import { describe, expect, test } from '@jest/globals';
import { renderCrd } from './crd.ts';
import { NotStructuralError, toStructural } from './structural.ts';
import type { StructuralSchema } from './structural.ts';

/** Returns the unbounded fields: CEL rules on them would exceed their cost budget. */
function unbounded(schema: StructuralSchema, path: string): string[] {
  const bounds = [
    ['items', 'maxItems'],
    ['additionalProperties', 'maxProperties'],
  ] as const;
  const isString = schema['type'] === 'string' && !('enum' in schema);
  const open =
    (isString && !('maxLength' in schema)) ||
    bounds.some(([keyword, bound]) => keyword in schema && !(bound in schema));
  return [
    ...(open ? [path] : []),
    ...listFields(schema).flatMap(([name, field]) => unbounded(field, `${path}.${name}`)),
  ];
}

function listFields({ properties = {}, items, additionalProperties }: StructuralSchema): [string, StructuralSchema][] {
  const fields = Object.entries({ ...(properties as object), '[]': items, '{}': additionalProperties });
  return fields.filter((entry): entry is [string, StructuralSchema] => typeof entry[1] === 'object');
}

describe('crds/archpolicies.yaml', () => {
  test('is up to date: run `make crds` after a change of the schema', () => {
    expect(readFileSync(new URL('../archpolicies.yaml', import.meta.url), 'utf8')).toBe(renderCrd());
  });

  test.each(Object.entries(archPolicyJsonSchemas()))('%s bounds every string, list and map', (part, schema) => {
    expect(unbounded(toStructural(schema, part), part)).toEqual([]);
  });
});

describe('toStructural', () => {
  test('keeps the keywords of a CRD and drops $schema', () => {
    expect(
      toStructural(
        { $schema: 'x', type: 'array', description: 'd', minItems: 0, items: { type: 'string', description: 'i' } },
        'a',
      ),
    ).toEqual({ type: 'array', description: 'd', items: { type: 'string', description: 'i' } });
  });

  test.each<[string, unknown, string]>([
    [
      'a keyword that a CRD does not support',
      { type: 'object', description: 'd', propertyNames: {} },
      'f: a CRD does not support propertyNames',
    ],
    ['a field without description', { type: 'string' }, 'f: the field has no description'],
    ['a field without type', { description: 'd' }, 'f: the field has no type'],
    ['a schema that is not an object', 'text', 'f: the schema is not an object'],
    [
      'a nested field',
      { type: 'object', description: 'd', properties: { a: { type: 'string' } } },
      'f.a: the field has no description',
    ],
  ])('rejects %s', (_, schema, message) => {
    expect(() => toStructural(schema, 'f')).toThrow(new NotStructuralError(message));
  });
});
