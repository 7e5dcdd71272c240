import { arrayAt, isJsonObject } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import type { KubeError } from '../errors.ts';
import type { ApiResponse, StatusError } from '../http/response.ts';

/** Every answer of the Eviction API, and what is to be done about it (R8). */
export type EvictionResult =
  /** Accepted; also for a pod that is being deleted already. */
  | { readonly kind: 'evicted' }
  /** The pod does not exist any more: done. */
  | { readonly kind: 'gone' }
  /** Another pod of that name, or not the state that was judged: judge again after 10 s. */
  | { readonly kind: 'conflict'; readonly message: string }
  /** A disruption budget does not allow it now. With `retryAfterMs` the server is still computing the budget. */
  | { readonly kind: 'budget'; readonly retryAfterMs?: number; readonly message: string }
  /** The API server has too much to do; nothing was looked at. */
  | { readonly kind: 'throttled'; readonly retryAfterMs?: number; readonly message: string }
  /** More than one disruption budget selects the pod: the API cannot evict it. Final. */
  | { readonly kind: 'several-budgets'; readonly message: string }
  /** We may not: RBAC, or an admission policy. */
  | { readonly kind: 'forbidden'; readonly message: string }
  /** The request is wrong for this API server: a defect, or a version that we do not know. Final. */
  | { readonly kind: 'invalid'; readonly status: number; readonly message: string }
  /** Any other refusal, such as a webhook that fails or an overloaded etcd: worth another try. */
  | { readonly kind: 'failed'; readonly status: number; readonly message: string }
  /** No answer: the eviction may have been accepted. Only the pod itself can tell. */
  | { readonly kind: 'no-answer'; readonly error: KubeError };

/** One budget is one cause; more would only be noise in an event. */
const MAX_CAUSES = 3;
const MAX_CAUSE_CHARS = 256;

/**
 * Maps the API server's answer to one of the known outcomes.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/registry/core/pod/storage/eviction.go
 * @example {"kind":"Status","status":"Failure","reason":"TooManyRequests","code":429,
 *   "message":"Cannot evict pod as it would violate the pod's disruption budget.","details":{"causes":[{"reason":"DisruptionBudget",
 *   "message":"The disruption budget web needs 2 healthy pods and has 2 currently"}]}}
 * @example {"kind":"Status","status":"Failure","code":500,
 *   "message":"This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."}
 */
export function toEvictionResult(answer: ApiResponse): EvictionResult {
  if (answer.kind === 'ok') return { kind: 'evicted' };
  const { status, message } = answer;
  if (status === 404 && answer.details['kind'] === 'pods') return { kind: 'gone' };
  if (status === 409) return { kind: 'conflict', message };
  if (status === 429) return parseTooManyRequests(answer);
  if (status === 500 && isSeveralBudgets(message)) return { kind: 'several-budgets', message };
  if (status === 401 || status === 403) return { kind: 'forbidden', message };
  if (status >= 400 && status < 500) return { kind: 'invalid', status, message };
  return { kind: 'failed', status, message };
}

function parseTooManyRequests(refusal: StatusError): EvictionResult {
  const retry = refusal.retryAfterMs === undefined ? {} : { retryAfterMs: refusal.retryAfterMs };
  const kind = isBudget(refusal) ? 'budget' : 'throttled';
  return {
    kind,
    message: [refusal.message, ...causeMessages(refusal)].filter((text) => text !== '').join(' '),
    ...retry,
  };
}

/** A budget names itself as the cause; flow control gives a bare 429. */
function isBudget(refusal: StatusError): boolean {
  const named = getCauses(refusal).some((cause) => cause['reason'] === 'DisruptionBudget');
  return named || refusal.message.includes('disruption budget');
}

/** The cause's message names the budget and its numbers: what the owner needs to see. */
function causeMessages(refusal: StatusError): readonly string[] {
  return getCauses(refusal)
    .map((cause) => cause['message'])
    .filter((message) => typeof message === 'string')
    .map((message) => message.slice(0, MAX_CAUSE_CHARS));
}

function getCauses({ details }: StatusError): readonly JsonObject[] {
  return arrayAt(details, 'causes').filter(isJsonObject).slice(0, MAX_CAUSES);
}

/** The answer has no `reason`; its words have been the same since the policy/v1beta1 API. */
function isSeveralBudgets(message: string): boolean {
  return message.includes('more than one PodDisruptionBudget');
}
