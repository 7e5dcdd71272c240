import { z } from 'zod';
import { ARCHITECTURES } from '../platform/platform.ts';
import { DURATION_PATTERN, parseDurationMs } from './duration.ts';
import {
  isLabelKey,
  LABEL_KEY_PATTERN,
  LABEL_VALUE_PATTERN,
  MAX_LABEL_KEY_LENGTH,
  MAX_LABEL_VALUE_LENGTH,
  MAX_SUBDOMAIN_LENGTH,
} from './label-syntax.ts';
import { hasFittingValues } from './label-selector.ts';
import { celMatches, ruled } from './rule.ts';

/**
 * The schemas of the fields of the specification. Every list and string has a maximum size, because the API server
 * computes the cost of CEL rules from it.
 */

/** Maximum length of a list of architectures: all of them, each once. */
export const MAX_ARCHITECTURES = ARCHITECTURES.length;
const MAX_SELECTOR_ENTRIES = 16;
const MAX_SELECTOR_VALUES = 32;
/** Maximum length of a duration. It is enough to write each duration that a field allows. */
const MAX_DURATION_LENGTH = 16;

/** An architecture of nodes. `wasm` and `386` are excluded, because nodes that run them are amd64 or arm64. */
export const architecture = (description: string): z.ZodType<NodeArchitecture, NodeArchitecture> =>
  z.enum(ARCHITECTURES).exclude(['wasm', '386']).meta({ description });

export type NodeArchitecture = Exclude<(typeof ARCHITECTURES)[number], 'wasm' | '386'>;

interface ListBounds {
  readonly min?: number;
  readonly max: number;
}

const distinct = (values: readonly unknown[]): boolean => new Set(values).size === values.length;

/**
 * A list of distinct values whose order does not matter. With server-side apply, several managers can own entries of
 * the list.
 */
export function setOf<S extends z.ZodType<string>>(
  item: S,
  { min = 0, max }: ListBounds,
  description: string,
): z.ZodArray<S> {
  return z
    .array(item)
    .min(min)
    .max(max)
    .refine(distinct, 'name each value once')
    .meta({ description, 'x-kubernetes-list-type': 'set' });
}

/** An ordered list of distinct values. With server-side apply, a single manager owns the whole list. */
export function orderedSetOf<S extends z.ZodType<string>>(
  item: S,
  { min = 0, max }: ListBounds,
  description: string,
): z.ZodArray<S> {
  return ruled(
    z.array(item).min(min).max(max),
    [{ cel: 'self.all(a, self.exists_one(b, b == a))', holds: distinct, message: 'name each value once' }],
    { description, 'x-kubernetes-list-type': 'atomic' },
  );
}

/** A duration such as `1h30m`, from `min` to `max`. */
export function duration(min: string, max: string, example: string, description: string): z.ZodString {
  const least = parseDurationMs(min) ?? Number.NaN;
  const most = parseDurationMs(max) ?? Number.NaN;
  return ruled(
    z.string().max(MAX_DURATION_LENGTH),
    [
      {
        // Numbers have at most six digits, because CEL's duration arithmetic overflows with more. The maximum of each
        // field has fewer digits.
        cel: `${celMatches('self', '^([1-9][0-9]{0,5}(s|m|h))+$')} && duration(self) >= duration('${min}') && duration(self) <= duration('${max}')`,
        holds: (text) => {
          const value = parseDurationMs(text);
          return value !== undefined && value >= least && value <= most;
        },
        message: `write a duration from ${min} to ${max} in whole hours (h), minutes (m) and seconds (s), such as ${example}`,
      },
    ],
    { description, pattern: DURATION_PATTERN },
  );
}

/** A string that matches a pattern. */
export function shaped(pattern: string, maxLength: number, message: string, description: string): z.ZodString {
  const shape = new RegExp(pattern);
  return ruled(
    z.string().max(maxLength),
    [{ cel: celMatches('self', pattern), holds: (text) => shape.test(text), message }],
    { description },
  );
}

const KEY_MESSAGE =
  'write a label key: an optional DNS name and a slash, then up to 63 letters, digits, "-", "_" or "."';
const VALUE_MESSAGE =
  'write a label value: up to 63 letters, digits, "-", "_" or ".", a letter or digit first and last';

const isKeyCel = (key: string): string =>
  `${celMatches(key, LABEL_KEY_PATTERN)} && ${key}.indexOf('/') <= ${MAX_SUBDOMAIN_LENGTH}`;

export const labelKey = (description: string): z.ZodString =>
  ruled(z.string().max(MAX_LABEL_KEY_LENGTH), [{ cel: isKeyCel('self'), holds: isLabelKey, message: KEY_MESSAGE }], {
    description,
  });

const ARCHITECTURE_KEYS = ['kubernetes.io/arch', 'beta.kubernetes.io/arch'];

/** The key of a label to copy. The architecture labels are not allowed, because placement sets them. */
export const copiedLabelKey = (description: string): z.ZodString =>
  ruled(
    z.string().max(MAX_LABEL_KEY_LENGTH),
    [
      { cel: isKeyCel('self'), holds: isLabelKey, message: KEY_MESSAGE },
      {
        cel: `!(self in [${ARCHITECTURE_KEYS.map((key) => `'${key}'`).join(', ')}])`,
        holds: (key) => !ARCHITECTURE_KEYS.includes(key),
        message: 'an architecture is not copied: pods choose one with the label archpolicy.dev/preferred',
      },
    ],
    { description },
  );

export const labelValue = (description: string): z.ZodString =>
  shaped(LABEL_VALUE_PATTERN, MAX_LABEL_VALUE_LENGTH, VALUE_MESSAGE, description);

const matchLabels = ruled(
  z
    .record(z.string(), labelValue('The value of the label.'))
    .refine(
      (labels) => Object.keys(labels).length <= MAX_SELECTOR_ENTRIES,
      `name at most ${MAX_SELECTOR_ENTRIES} labels`,
    ),
  [
    {
      cel: `self.all(key, ${isKeyCel('key')})`,
      holds: (labels) => Object.keys(labels).every(isLabelKey),
      message: KEY_MESSAGE,
    },
  ],
  { description: 'Labels that must have these values. Example: {app: web}.', maxProperties: MAX_SELECTOR_ENTRIES },
);

const requirement = ruled(
  z.object({
    key: labelKey('The key of the label.'),
    operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']).meta({
      description:
        'In or NotIn: the value of the label is or is not in values; NotIn also matches an absent label. Exists or DoesNotExist: the label is present or absent.',
    }),
    values: z
      .array(labelValue('A label value.'))
      .max(MAX_SELECTOR_VALUES)
      .meta({
        description: 'The values for In and NotIn. Must be empty for Exists and DoesNotExist.',
        'x-kubernetes-list-type': 'atomic',
      })
      .optional(),
  }),
  [
    {
      cel: "self.operator in ['In', 'NotIn'] ? has(self.values) && self.values.size() > 0 : !has(self.values) || self.values.size() == 0",
      holds: hasFittingValues,
      message: 'give In and NotIn at least one value, and Exists and DoesNotExist none',
      path: ['values'],
    },
  ],
  { description: 'A requirement on one label.' },
);

/** A `metav1.LabelSelector`. */
export const labelSelector = (
  description: string,
): z.ZodObject<{
  matchLabels: z.ZodOptional<typeof matchLabels>;
  matchExpressions: z.ZodOptional<z.ZodArray<typeof requirement>>;
}> =>
  z
    .object({
      matchLabels: matchLabels.optional(),
      matchExpressions: z
        .array(requirement)
        .max(MAX_SELECTOR_ENTRIES)
        .meta({
          description:
            'Requirements that must all hold, in addition to matchLabels. Example: [{key: tier, operator: In, values: [web, api]}].',
          'x-kubernetes-list-type': 'atomic',
        })
        .optional(),
    })
    .meta({ description, 'x-kubernetes-map-type': 'atomic' });
