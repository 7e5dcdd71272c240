import type { Json } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import type { NodeSelector, NodeSelectorOperator, NodeSelectorRequirement, NodeSelectorTerm } from './node-selector.ts';

export type ParsedNodeSelector =
  | { readonly kind: 'selector'; readonly selector: NodeSelector }
  /** Not of the API's shape. `at` is the JSON Pointer, below the selector, of what is wrong. */
  | { readonly kind: 'malformed'; readonly at: string };

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
 * Parses a node selector (`requiredDuringSchedulingIgnoredDuringExecution`, a persistent volume's). Terms and
 * expressions keep their places, so that an index here is an index there. Shape only: how many values an operator
 * takes is for the evaluation, as in the scheduler.
 *
 * @see https://github.com/kubernetes/api/blob/v0.36.3/core/v1/types.go (`NodeSelector`)
 * @example {"nodeSelectorTerms":[{"matchExpressions":[{"key":"kubernetes.io/arch","operator":"In","values":["arm64"]}]}]}
 */
export function parseNodeSelector(raw: Json | undefined): ParsedNodeSelector {
  if (!isJsonObject(raw)) return { kind: 'malformed', at: '' };
  const terms = parseList(raw['nodeSelectorTerms'], '/nodeSelectorTerms', parseTerm);
  return terms.kind === 'list' ? { kind: 'selector', selector: { nodeSelectorTerms: terms.items } } : terms;
}

type Parsed<T> = { readonly kind: 'item'; readonly item: T } | { readonly kind: 'malformed'; readonly at: string };
type ParsedList<T> =
  { readonly kind: 'list'; readonly items: readonly T[] } | { readonly kind: 'malformed'; readonly at: string };

function parseList<T>(raw: Json | undefined, at: string, parse: (raw: Json, at: string) => Parsed<T>): ParsedList<T> {
  if (raw === undefined || raw === null) return { kind: 'list', items: NONE };
  if (!Array.isArray(raw)) return { kind: 'malformed', at };
  const items: T[] = [];
  for (const [index, element] of raw.entries()) {
    const parsed = parse(element as Json, `${at}/${index}`);
    if (parsed.kind === 'malformed') return parsed;
    items.push(parsed.item);
  }
  return { kind: 'list', items };
}

function parseTerm(raw: Json, at: string): Parsed<NodeSelectorTerm> {
  if (!isJsonObject(raw)) return { kind: 'malformed', at };
  const expressions = parseList(raw['matchExpressions'], `${at}/matchExpressions`, parseRequirement);
  if (expressions.kind === 'malformed') return expressions;
  const fields = parseList(raw['matchFields'], `${at}/matchFields`, parseRequirement);
  if (fields.kind === 'malformed') return fields;
  return { kind: 'item', item: { matchExpressions: expressions.items, matchFields: fields.items } };
}

function parseRequirement(raw: Json, at: string): Parsed<NodeSelectorRequirement> {
  if (!isJsonObject(raw)) return { kind: 'malformed', at };
  const { key, operator, values } = raw as Readonly<Record<'key' | 'operator' | 'values', Json | undefined>>;
  if (typeof key !== 'string' || !isOperator(operator)) return { kind: 'malformed', at };
  if (values === undefined || values === null) return { kind: 'item', item: { key, operator, values: NONE } };
  return isStrings(values) ? { kind: 'item', item: { key, operator, values } } : { kind: 'malformed', at };
}

function isOperator(value: Json | undefined): value is NodeSelectorOperator {
  return typeof value === 'string' && OPERATORS.has(value);
}

function isStrings(value: Json): value is readonly string[] {
  return Array.isArray(value) && value.every((element) => typeof element === 'string');
}
