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

/** The specification of a policy, with all defaults. */
export type ArchPolicySpec = DeepReadonly<ParsedSpec>;

/** The status of a policy, which the operator writes. */
export type ArchPolicyStatus = DeepReadonly<z.output<typeof archPolicyStatusSchema>>;

/** `metav1.Condition` of a policy. */
export type ArchPolicyCondition = NonNullable<ArchPolicyStatus['conditions']>[number];

/** A policy with a valid specification. Only `parseArchPolicy` creates it from external data. */
export interface ArchPolicy {
  readonly name: string;
  /** `uid` and `resourceVersion` are empty if the policy was read from a file and never stored. */
  readonly uid: string;
  /** 0 if the policy was never stored. */
  readonly generation: number;
  readonly resourceVersion: string;
  /** True if the policy is being deleted but still has a finalizer. Such a policy governs no pods. */
  readonly deleting?: boolean;
  readonly spec: ArchPolicySpec;
  /** Absent if no status was written yet, or if it cannot be parsed. */
  readonly status?: ArchPolicyStatus;
}

/** A problem of one field. The message states the required change. */
export interface PolicyProblem {
  /** The field, such as `spec.preference.weight`. */
  readonly path: string;
  readonly message: string;
}

const archPolicySchema = z.object({
  // Optional, because the items of a LIST response have neither field.
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
 * Parses an ArchPolicy from the API server or from a file: fills in defaults and ignores unknown fields. Accepts exactly the
 * specifications that the API server accepts.
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

/** Appends a step to a path in the API server's format, which has map keys and list indexes in brackets. */
function extend(path: string, step: PropertyKey): string {
  if (path === '') return String(step);
  return typeof step === 'number' || path.endsWith('.matchLabels')
    ? `${path}[${String(step)}]`
    : `${path}.${String(step)}`;
}
