import type { z } from 'zod';
import type { YamlText } from './yaml-text.ts';

/** Maximum number of listed problems, because one mistake often causes several problems. */
const MAX_PROBLEMS = 5;

/**
 * Describes the violations of a schema, by field. Describes an unknown field only by its position, not by its name,
 * because after a missing brace or colon, a secret may be in place of a field name.
 */
export function describeProblems({ issues }: z.ZodError, yaml: YamlText): string {
  return issues
    .slice(0, MAX_PROBLEMS)
    .map((issue) => [issue.path.join('.'), describe(issue, yaml)].filter((part) => part !== '').join(': '))
    .join('; ');
}

function describe(issue: z.core.$ZodIssue, { getPosition }: YamlText): string {
  if (issue.code !== 'unrecognized_keys') return issue.message;
  const positions = issue.keys.map((key) => getPosition(issue.path, key) ?? 'an unknown position');
  return `unknown field at ${positions.join(' and ')}`;
}
