import type { Json } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import type { NodeSelector, NodeSelectorOperator, NodeSelectorRequirement, NodeSelectorTerm } from './node-selector.ts';
import { failed, ok } from '../result.ts';
import type { Result } from '../result.ts';

/** A parsed value, or the JSON Pointer (relative to the selector) of the malformed part. */
type Parsed<T> = Result<T, string>;

const OPERATORS: ReadonlySet<string> = new Set<NodeSelectorOperator>([
  'In',
  'NotIn',
  'Exists',
  'DoesNotExist',
  'Gt',
  'Lt',
]);

const NONE: readonly never[] = [];

/**
 * Parses a node selector, such as `requiredDuringSchedulingIgnoredDuringExecution` or that of a persistent volume. Terms and expressions
 * keep their index. Checks only the shape. As in the scheduler, the evaluation checks the number of values.
 *
 * @see https://github.com/kubernetes/api/blob/v0.36.3/core/v1/types.go (`NodeSelector`)
 * @example {"nodeSelectorTerms":[{"matchExpressions":[{"key":"kubernetes.io/arch","operator":"In","values":["arm64"]}]}]}
 */
export function parseNodeSelector(raw: Json | undefined): Parsed<NodeSelector> {
  if (!isJsonObject(raw)) return failed('');
  const terms = parseList(raw['nodeSelectorTerms'], '/nodeSelectorTerms', parseTerm);
  return terms.kind === 'ok' ? ok({ nodeSelectorTerms: terms.value }) : terms;
}

function parseList<T>(
  raw: Json | undefined,
  at: string,
  parse: (raw: Json, at: string) => Parsed<T>,
): Parsed<readonly T[]> {
  if (raw === undefined || raw === null) return ok(NONE);
  if (!Array.isArray(raw)) return failed(at);
  const items: T[] = [];
  for (const [index, element] of raw.entries()) {
    const parsed = parse(element as Json, `${at}/${index}`);
    if (parsed.kind === 'failed') return parsed;
    items.push(parsed.value);
  }
  return ok(items);
}

function parseTerm(raw: Json, at: string): Parsed<NodeSelectorTerm> {
  if (!isJsonObject(raw)) return failed(at);
  const expressions = parseList(raw['matchExpressions'], `${at}/matchExpressions`, parseRequirement);
  if (expressions.kind === 'failed') return expressions;
  const fields = parseList(raw['matchFields'], `${at}/matchFields`, parseRequirement);
  if (fields.kind === 'failed') return fields;
  return ok({ matchExpressions: expressions.value, matchFields: fields.value });
}

function parseRequirement(raw: Json, at: string): Parsed<NodeSelectorRequirement> {
  if (!isJsonObject(raw)) return failed(at);
  const { key, operator, values } = raw as Readonly<Record<'key' | 'operator' | 'values', Json | undefined>>;
  if (typeof key !== 'string' || !isOperator(operator)) return failed(at);
  if (values === undefined || values === null) return ok({ key, operator, values: NONE });
  return isStrings(values) ? ok({ key, operator, values }) : failed(at);
}

function isOperator(value: Json | undefined): value is NodeSelectorOperator {
  return typeof value === 'string' && OPERATORS.has(value);
}

function isStrings(value: Json): value is readonly string[] {
  return Array.isArray(value) && value.every((element) => typeof element === 'string');
}
