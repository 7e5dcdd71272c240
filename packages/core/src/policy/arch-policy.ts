import { z } from 'zod';
import type { JsonObject } from '../json/json.ts';
import { API_GROUP, API_VERSION, ARCHPOLICY_KIND } from '../kubernetes/archpolicy-keys.ts';
import { failed, ok } from '../result.ts';
import type { Result } from '../result.ts';
import { archPolicySpecSchema } from './spec.ts';
import type { ParsedSpec } from './spec.ts';
import { archPolicyStatusSchema } from './status.ts';
import { withoutNulls } from './without-nulls.ts';

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

/** What is wanted of the pods that the policy governs, with every default filled in. */
export type ArchPolicySpec = DeepReadonly<ParsedSpec>;

/** What the operator has seen and done. */
export type ArchPolicyStatus = DeepReadonly<z.output<typeof archPolicyStatusSchema>>;

/** `metav1.Condition` of a policy. */
export type ArchPolicyCondition = NonNullable<ArchPolicyStatus['conditions']>[number];

/** A policy whose specification parsed. Only `parseArchPolicy` makes them from outside data. */
export interface ArchPolicy {
  readonly name: string;
  /** Empty, as `resourceVersion`, when the policy was read from a file and has never been stored. */
  readonly uid: string;
  /** 0 when the policy has never been stored. */
  readonly generation: number;
  readonly resourceVersion: string;
  /** Deleted, but something still holds it. It governs nothing any more. */
  readonly deleting?: boolean;
  readonly spec: ArchPolicySpec;
  /** Absent when nothing was written yet, or when what stands there cannot be read. */
  readonly status?: ArchPolicyStatus;
}

/** What is wrong with a field, and what to do about it. */
export interface PolicyProblem {
  /** The field, such as `spec.preference.weight`. */
  readonly path: string;
  readonly message: string;
}

const archPolicySchema = z.object({
  // Items of a list need not say what they are.
  apiVersion: z.literal(`${API_GROUP}/${API_VERSION}`).optional(),
  kind: z.literal(ARCHPOLICY_KIND).optional(),
  metadata: z.object({
    name: z.string().min(1),
    uid: z.string().default(''),
    generation: z.int().default(0),
    resourceVersion: z.string().default(''),
    deletionTimestamp: z.string().optional(),
  }),
  spec: archPolicySpecSchema,
});

/**
 * Parses an ArchPolicy as the API server sends it or as it stands in a file: defaults are filled in, unknown fields
 * ignored. It accepts exactly the specifications that the API server accepts.
 */
export function parseArchPolicy(raw: JsonObject): Result<ArchPolicy, readonly PolicyProblem[]> {
  const result = archPolicySchema.safeParse(withoutNulls(raw));
  if (!result.success) return failed(result.error.issues.map(toProblem));
  const { metadata, spec } = result.data;
  const { name, uid, generation, resourceVersion, deletionTimestamp } = metadata;
  const status = archPolicyStatusSchema.safeParse(raw['status']);
  return ok({
    name,
    uid,
    generation,
    resourceVersion,
    ...(deletionTimestamp !== undefined && { deleting: true }),
    spec,
    ...(status.success && { status: status.data }),
  });
}

function toProblem({ path, message }: z.core.$ZodIssue): PolicyProblem {
  return { path: path.reduce<string>(extend, ''), message };
}

/** Paths as the API server writes them: the keys of a map, like the numbers of a list, stand in brackets. */
function extend(path: string, step: PropertyKey): string {
  if (path === '') return String(step);
  return typeof step === 'number' || path.endsWith('.matchLabels')
    ? `${path}[${String(step)}]`
    : `${path}.${String(step)}`;
}
