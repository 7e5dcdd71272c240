import type { z } from 'zod';
import type { YamlText } from './yaml-text.ts';

/** Enough to begin with; one mistake often has several. */
const MAX_PROBLEMS = 5;

/**
 * What does not follow a schema, by field. Unknown fields are given by their position: where a brace or colon was lost, a
 * secret can be where a field is expected.
 */
export function describeProblems({ issues }: z.ZodError, yaml: YamlText): string {
  return issues
    .slice(0, MAX_PROBLEMS)
    .map((issue) => [issue.path.join('.'), describe(issue, yaml)].filter((part) => part !== '').join(': '))
    .join('; ');
}

function describe(issue: z.core.$ZodIssue, { positionOf }: YamlText): string {
  if (issue.code !== 'unrecognized_keys') return issue.message;
  const positions = issue.keys.map((key) => positionOf(issue.path, key) ?? 'an unknown position');
  return `unknown field at ${positions.join(' and ')}`;
}
