import type { z } from 'zod';
import type { YamlText } from './yaml-text.ts';

/** Maximum number of listed problems, because one mistake often causes several problems. */
const MAX_PROBLEMS = 5;

/** What a field must contain, by the type that the schema requires. */
const EXPECTED: Readonly<Record<string, string>> = {
  boolean: 'true or false, without quotes',
  array: 'a list, such as [a, b]',
  object: 'fields, such as {name: value}',
  string: 'text; put a number, true, false or null into quotes',
  number: 'a number',
  int: 'a whole number',
};

/**
 * Describes the violations of a schema, by field. Describes an unknown field only by its position, not by its name,
 * because after a missing brace or colon, a secret may be in place of a field name.
 */
export function describeProblems({ issues }: z.ZodError, yaml: YamlText): string {
  return issues
    .slice(0, MAX_PROBLEMS)
    .map((issue) => [whereIs(issue, yaml), describe(issue, yaml)].filter((part) => part !== '').join(': '))
    .join('; ');
}

/** @example `registries.0.proxy at line 2, column 30` */
function whereIs({ path, code }: z.core.$ZodIssue, { locate }: YamlText): string {
  const field = path.join('.');
  const position = code === 'unrecognized_keys' ? undefined : (locate(path) ?? locate(path.slice(0, -1)));
  return position === undefined ? field : `${field} at ${position}`.trimStart();
}

function describe(issue: z.core.$ZodIssue, yaml: YamlText): string {
  if (issue.code === 'unrecognized_keys') {
    const positions = issue.keys.map((key) => yaml.getPosition(issue.path, key) ?? 'an unknown position');
    return `unknown field at ${positions.join(' and ')}`;
  }
  if (issue.code !== 'invalid_type') return issue.message;
  if (yaml.locate(issue.path) === undefined) return 'required field is missing';
  return `expected ${EXPECTED[issue.expected] ?? issue.expected}`;
}
