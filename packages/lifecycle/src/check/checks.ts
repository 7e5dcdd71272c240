import { ANNOTATION_DECISION, arrayAt, isJsonObject, objectAt, readPodAnnotations, textAt } from '@archpolicy/core';
import type { Json } from '@archpolicy/core';
import { createProbePod, LeaseObserver } from '@archpolicy/kube';
import type { ApiResponse } from '@archpolicy/kube';
import { OPERATOR, WEBHOOK } from '@archpolicy/process';
import type { CommandParts } from '../ports.ts';
import { CONFIGURATION_PATH } from '../configuration.ts';

const TIMEOUT_MS = 10_000;
const POLL_MS = 1_000;
/** The webhook renews its Lease at most 8 s after its last renewal, and the operator every 2 s. */
const RENEWED_WITHIN_MS = 20_000;

export interface CheckResult {
  readonly title: string;
  /** What is wrong and what to do; absent if the check passed. */
  readonly problem?: string;
}

/** Runs all checks. @throws KubeError if the API server does not respond */
export async function runChecks(parts: CommandParts, signal: AbortSignal): Promise<readonly CheckResult[]> {
  return Promise.all([
    checkConfiguration(parts, signal),
    checkLease(parts, WEBHOOK, signal),
    checkLease(parts, OPERATOR, signal),
    checkProbe(parts, signal),
  ]);
}

async function checkConfiguration({ api }: CommandParts, signal: AbortSignal): Promise<CheckResult> {
  const title = 'webhook configuration';
  const answer = await api.request({ method: 'GET', path: CONFIGURATION_PATH, signal, timeoutMs: TIMEOUT_MS });
  const problem = configurationProblem(answer);
  return problem === undefined ? { title } : { title, problem };
}

/** Returns what is wrong with the MutatingWebhookConfiguration. */
export function configurationProblem(answer: ApiResponse): string | undefined {
  if (answer.kind === 'refused') {
    return answer.status === 404
      ? 'it does not exist, so no pod is constrained: apply the manifests again'
      : `it cannot be read (${answer.status} ${answer.message}): run this with an account that may read it`;
  }
  const configuration = isJsonObject(answer.body) ? answer.body : {};
  if (textAt(objectAt(configuration, 'metadata'), 'deletionTimestamp') !== undefined) {
    return 'it is being deleted: remove its finalizers, or apply the manifests when it is gone';
  }
  const webhooks = arrayAt(configuration, 'webhooks').filter(isJsonObject);
  if (webhooks.length === 0) return 'it has no webhooks: apply the manifests again';
  const bare = webhooks.filter((webhook) => textAt(objectAt(webhook, 'clientConfig'), 'caBundle') === undefined);
  if (bare.length === 0) return undefined;
  const names = bare.map((webhook) => textAt(webhook, 'name') ?? 'a webhook').join(', ');
  return `${names} has no caBundle, so the API server trusts no certificate: see the log of the operator, or patch it (deploy/README.md)`;
}

async function checkLease(parts: CommandParts, name: string, signal: AbortSignal): Promise<CheckResult> {
  const title = `Lease ${name}`;
  const { api, clock, namespace } = parts;
  const logger = { debug: (): void => undefined };
  const lease = new LeaseObserver({ api, clock, logger, lease: { namespace, name }, trustFirstRead: false });
  const untilMs = clock.monotonic() + RENEWED_WITHIN_MS;
  do {
    await lease.refresh(signal);
    if (lease.isFresh()) return { title };
    if (lease.state === undefined) break;
    await clock.sleep(POLL_MS, signal);
  } while (clock.monotonic() < untilMs);
  const what = lease.state === undefined ? 'it does not exist' : 'no process renews it';
  const see = `kubectl -n ${namespace} get pods; kubectl -n ${namespace} logs deployment/${name}`;
  return { title, problem: `${what}, so no ready pod of ${name} runs: see ${see}` };
}

async function checkProbe({ api }: CommandParts, signal: AbortSignal): Promise<CheckResult> {
  const title = 'dry run of a pod';
  const answer = await createProbePod(api, signal);
  const problem = probeProblem(answer);
  return problem === undefined ? { title } : { title, problem };
}

/** Returns what is wrong according to the response to the dry run of a pod in the namespace of probes. */
export function probeProblem(answer: ApiResponse): string | undefined {
  if (answer.kind === 'ok') {
    if (isAnnotated(answer.body)) return undefined;
    return 'the pod came back without the annotation, so the API server does not reach the webhook: see docs/operations.md, "The webhook is unreachable"';
  }
  const { status, message } = answer;
  return status === 404
    ? 'the namespace archpolicy-probe does not exist: apply the manifests again'
    : `the API server rejected the pod (${status} ${message}): run this with an account that may create pods in archpolicy-probe`;
}

function isAnnotated(pod: Json): boolean {
  return isJsonObject(pod) && readPodAnnotations(pod)[ANNOTATION_DECISION] !== undefined;
}
