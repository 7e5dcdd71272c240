import { arrayAt, isJsonObject, isObjectName, withoutUndefined } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import type { KubeError } from '../errors.ts';
import type { ApiResponse, StatusError } from '../http/response.ts';

/** The result of an eviction request. The comments state the caller's reaction (R8). */
export type EvictionResult =
  /** The API server accepted the eviction, or the pod was already terminating. */
  | { readonly kind: 'evicted' }
  /** The pod no longer exists. Nothing remains to be done. */
  | { readonly kind: 'gone' }
  /** A precondition failed: the pod was changed, or another pod has its name. Evaluate the pod again after 10 s. */
  | { readonly kind: 'conflict'; readonly message: string }
  /**
   * A disruption budget rejects the eviction for now. `budget` is its name, if the response contains it. If `retryAfterMs` is set, the
   * server is still computing the budget.
   */
  | { readonly kind: 'budget'; readonly budget?: string; readonly retryAfterMs?: number; readonly message: string }
  /** The API server is overloaded and did not evaluate the request. */
  | { readonly kind: 'throttled'; readonly retryAfterMs?: number; readonly message: string }
  /** More than one disruption budget selects the pod, so the API cannot evict it. Do not retry. */
  | { readonly kind: 'several-budgets'; readonly message: string }
  /** RBAC or an admission policy rejected the eviction. */
  | { readonly kind: 'forbidden'; readonly message: string }
  /**
   * The request is invalid for this API server, because of a bug in ArchPolicy, or because the server has another
   * version of the API. Do not retry.
   */
  | { readonly kind: 'invalid'; readonly status: number; readonly message: string }
  /** The API server returned any other error, for example because a webhook fails or etcd is overloaded. Retry. */
  | { readonly kind: 'failed'; readonly status: number; readonly message: string }
  /** There was no response. The pod's state shows whether the eviction was accepted. */
  | { readonly kind: 'no-answer'; readonly error: KubeError };

/**
 * Maximum number of causes in a message. Each disruption budget is one cause. More causes would make an event
 * unreadable.
 */
const MAX_CAUSES = 3;
const MAX_CAUSE_CHARS = 256;
/** As the API server writes it in the details of a 403, although the resource is named `poddisruptionbudgets`. */
const BUDGET_RESOURCE = 'poddisruptionbudget';

/**
 * Maps a response of the API server to a result.
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
  if (isBudget(answer)) return toBudgetResult(answer);
  if (status === 429) return toThrottledResult(answer);
  if (isSeveralBudgets(answer)) return { kind: 'several-budgets', message };
  if (status === 401 || status === 403) return { kind: 'forbidden', message };
  if (status >= 400 && status < 500) return { kind: 'invalid', status, message };
  return { kind: 'failed', status, message };
}

function toThrottledResult({ message, retryAfterMs }: StatusError): EvictionResult {
  return { kind: 'throttled', message, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}

function toBudgetResult(refusal: StatusError): EvictionResult {
  const causes = causeMessages(refusal);
  const budget = causes.map(parseBudgetName).find((name) => name !== undefined) ?? budgetInDetails(refusal);
  return withoutUndefined({
    kind: 'budget',
    budget,
    message: [refusal.message, ...causes].filter((text) => text !== '').join(' '),
    retryAfterMs: refusal.retryAfterMs,
  });
}

/**
 * Returns the budget's name from the message of a cause. All texts of the API server begin like this one.
 *
 * @example The disruption budget web needs 2 healthy pods and has 2 currently
 */
function parseBudgetName(message: string): string | undefined {
  const [, name = ''] = /^The disruption budget (\S+) /u.exec(message) ?? [];
  return isObjectName(name) ? name : undefined;
}

/**
 * Returns the budget's name from the details of a 403. The API server rejects in this way if too many evictions of the budget are not
 * confirmed.
 *
 * @example {"reason":"Forbidden","code":403,"details":{"name":"web","group":"policy","kind":"poddisruptionbudget"}}
 */
function budgetInDetails({ details }: StatusError): string | undefined {
  const { kind, name } = details;
  return kind === BUDGET_RESOURCE && typeof name === 'string' && isObjectName(name) ? name : undefined;
}

/**
 * Returns whether a disruption budget caused the rejection: a 429 or, if too many evictions of the budget are not confirmed, a 403. A 429
 * of flow control has no cause `DisruptionBudget`.
 */
function isBudget(refusal: StatusError): boolean {
  if (refusal.status === 403) return refusal.details['kind'] === BUDGET_RESOURCE;
  if (refusal.status !== 429) return false;
  const named = getCauses(refusal).some((cause) => cause['reason'] === 'DisruptionBudget');
  return named || refusal.message.includes('disruption budget');
}

/**
 * Returns the messages of the causes. The messages name the disruption budget and its numbers of pods, for the pod's
 * owner.
 */
function causeMessages(refusal: StatusError): readonly string[] {
  return getCauses(refusal)
    .map((cause) => cause['message'])
    .filter((message) => typeof message === 'string')
    .map((message) => message.slice(0, MAX_CAUSE_CHARS));
}

function getCauses({ details }: StatusError): readonly JsonObject[] {
  return arrayAt(details, 'causes').filter(isJsonObject).slice(0, MAX_CAUSES);
}

/** Matches the message, because the response has no `reason`. The API server's text has not changed since policy/v1beta1. */
function isSeveralBudgets({ status, message }: StatusError): boolean {
  return status === 500 && message.includes('more than one PodDisruptionBudget');
}
