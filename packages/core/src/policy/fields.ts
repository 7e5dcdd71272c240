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

/** The kinds of fields that the specification is made of. Every list and string is bounded: CEL is budgeted by size. */

/** Lists of architectures cannot be longer than there are architectures. */
export const MAX_ARCHITECTURES = ARCHITECTURES.length;
const MAX_SELECTOR_ENTRIES = 16;
const MAX_SELECTOR_VALUES = 32;
/** Holds any duration that a field allows, written in any sensible way. */
const MAX_DURATION_LENGTH = 16;

/** An architecture that a node can have. `wasm` and `386` are none: nodes that run them are amd64 or arm64. */
export const architecture = (description: string): z.ZodType<NodeArchitecture, NodeArchitecture> =>
  z.enum(ARCHITECTURES).exclude(['wasm', '386']).meta({ description });

export type NodeArchitecture = Exclude<(typeof ARCHITECTURES)[number], 'wasm' | '386'>;

interface ListBounds {
  readonly min?: number;
  readonly max: number;
}

const distinct = (values: readonly unknown[]): boolean => new Set(values).size === values.length;

/** A list without duplicates whose order says nothing: several appliers can each own some of its entries. */
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

/** A list without duplicates whose order counts: one applier owns it whole. */
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

/** A duration between two others, all written like `1h30m`. */
export function duration(min: string, max: string, example: string, description: string): z.ZodString {
  const least = parseDurationMs(min) ?? Number.NaN;
  const most = parseDurationMs(max) ?? Number.NaN;
  return ruled(
    z.string().max(MAX_DURATION_LENGTH),
    [
      {
        // Six digits at most: beyond them CEL's own arithmetic overflows, and every maximum is far below.
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

/** A string of a known shape. */
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

/** A label key other than those of the architecture, which placement decides. */
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
    .record(z.string(), labelValue('The value that the label must have.'))
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
  { description: 'Labels that must be there with these values.', maxProperties: MAX_SELECTOR_ENTRIES },
);

const requirement = ruled(
  z.object({
    key: labelKey('The label that the expression is about.'),
    operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']).meta({
      description: 'How the label relates to the values. NotIn also matches where the label is absent.',
    }),
    values: z
      .array(labelValue('A value.'))
      .max(MAX_SELECTOR_VALUES)
      .meta({
        description: 'The values of In and NotIn. Exists and DoesNotExist have none.',
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
  { description: 'An expression over one label.' },
);

/** A label selector of the API's own shape. */
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
        .meta({ description: 'Expressions that must all hold.', 'x-kubernetes-list-type': 'atomic' })
        .optional(),
    })
    .meta({ description, 'x-kubernetes-map-type': 'atomic' });
