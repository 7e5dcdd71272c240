import { gateOnly, isJsonObject, objectAt, parseLiftResponse, textAt } from '@archpolicy/core';
import type { Json, JsonPatchOperation, LiftResponse } from '@archpolicy/core';
import { bodyOrThrow, PODS, resourcePath } from '@archpolicy/kube';
import type { Api } from '@archpolicy/kube';

const PAGE = 500;
const LIST_TIMEOUT_MS = 60_000;
/** Longer than the 34 s after which the API server ends a patch itself. */
const PATCH_TIMEOUT_MS = 35_000;
const CONCURRENT_PATCHES = 16;

/** A pod with ArchPolicy's gate, and the patch that removes only the gate. */
export interface GatedPod {
  readonly namespace: string;
  readonly name: string;
  readonly operations: readonly JsonPatchOperation[];
}

/** The result of one pass over the gated pods. */
export interface LiftResult {
  readonly lifted: number;
  /** The last rejection; absent if there was none. */
  readonly rejection?: string;
}

/**
 * Lists the gated pods of the cluster. A gated pod is never bound, so its phase is Pending.
 *
 * @throws KubeError if a page cannot be read
 */
export async function listGatedPods(api: Pick<Api, 'list'>, signal: AbortSignal): Promise<readonly GatedPod[]> {
  const gated: GatedPod[] = [];
  const onItem = (item: Json): void => {
    const pod = toGatedPod(item);
    if (pod !== undefined) gated.push(pod);
  };
  let next: string | undefined;
  do {
    const query = { limit: PAGE, fieldSelector: 'status.phase=Pending', continue: next };
    const path = resourcePath(PODS);
    const body = bodyOrThrow(await api.list({ path, query, signal, timeoutMs: LIST_TIMEOUT_MS, onItem }));
    next = textAt(objectAt(isJsonObject(body) ? body : {}, 'metadata'), 'continue');
  } while (next !== undefined);
  return gated;
}

function toGatedPod(item: Json): GatedPod | undefined {
  if (!isJsonObject(item)) return undefined;
  const metadata = objectAt(item, 'metadata');
  const [namespace, name] = [textAt(metadata, 'namespace'), textAt(metadata, 'name')];
  const patch = gateOnly(item)?.patches[0];
  // A terminating pod is not scheduled, with or without its gate.
  if (namespace === undefined || name === undefined || patch === undefined) return undefined;
  if (textAt(metadata, 'deletionTimestamp') !== undefined) return undefined;
  return { namespace, name, operations: patch.operations };
}

/** Removes only the gate of the pods. A pod whose patch fails is in the next list. */
export async function liftGates(
  api: Pick<Api, 'request'>,
  pods: readonly GatedPod[],
  signal: AbortSignal,
): Promise<LiftResult> {
  let lifted = 0;
  let rejection: string | undefined;
  const rest = pods.values();
  const work = async (): Promise<void> => {
    for (const pod of rest) {
      const answer = await lift(api, pod, signal);
      if (answer.kind === 'lifted') lifted += 1;
      else if (answer.problem !== undefined) rejection = `${pod.namespace}/${pod.name}: ${answer.problem}`;
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT_PATCHES }, work));
  return rejection === undefined ? { lifted } : { lifted, rejection };
}

async function lift(
  api: Pick<Api, 'request'>,
  { namespace, name, operations }: GatedPod,
  signal: AbortSignal,
): Promise<{ readonly kind: LiftResponse['kind'] | 'no-response'; readonly problem?: string }> {
  try {
    const answer = await api.request({
      method: 'PATCH',
      path: resourcePath(PODS, { namespace, name }),
      query: { fieldValidation: 'Ignore' },
      contentType: 'application/json-patch+json',
      body: operations.map((operation) => ({ ...operation })),
      signal,
      timeoutMs: PATCH_TIMEOUT_MS,
    });
    const { kind } = parseLiftResponse(answer.status);
    const hasProblem = answer.kind === 'refused' && kind !== 'gone' && kind !== 'conflict';
    return hasProblem ? { kind, problem: `${answer.status} ${answer.message}` } : { kind };
  } catch (error) {
    signal.throwIfAborted();
    return { kind: 'no-response', problem: error instanceof Error ? error.message : 'no response' };
  }
}
