import { randomUUID } from 'node:crypto';
import { arrayAt, objectAt, textAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';

export interface ReviewedPod {
  readonly namespace: string;
  readonly images: readonly string[];
  readonly pullSecrets?: readonly string[];
}

/** The part that is not real in scenarios that send reviews themselves. */
export const FAKE_CALLER = 'the caller of the webhook: a client that sends the reviews of an API server';

/** Returns the review of the creation of a ReplicaSet's pod, as the API server sends it. */
export function buildReview({ namespace, images, pullSecrets = [] }: ReviewedPod): Buffer {
  const kind = { group: '', version: 'v1', kind: 'Pod' };
  const resource = { group: '', version: 'v1', resource: 'pods' };
  const owner = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    name: 'web-5d4f8c7b9',
    uid: randomUUID(),
    controller: true,
  };
  const object = {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { generateName: 'web-5d4f8c7b9-', labels: { app: 'web' }, ownerReferences: [owner] },
    spec: {
      containers: images.map((image, index) => ({ name: `c${index}`, image, imagePullPolicy: 'IfNotPresent' })),
      imagePullSecrets: pullSecrets.map((name) => ({ name })),
    },
    status: {},
  };
  const request = {
    uid: randomUUID(),
    kind,
    resource,
    requestKind: kind,
    requestResource: resource,
    namespace,
    operation: 'CREATE',
    object,
    oldObject: null,
    dryRun: false,
  };
  return Buffer.from(JSON.stringify({ kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', request }));
}

/** What a webhook answered. `failed`: no answer, or one on which the API server fails open. */
export interface Verdict {
  readonly kind: 'constrained' | 'gated' | 'unchanged' | 'denied' | 'failed';
  /** The architectures to which the pod is constrained. */
  readonly architectures: readonly string[];
  readonly reason: string;
  readonly warnings: readonly string[];
}

const FAILED: Verdict = { kind: 'failed', architectures: [], reason: '', warnings: [] };
const GATE = 'archpolicy.dev/inspecting';
/** The requirement in a patch. A gated pod may have one of its known images, too. */
const REQUIREMENT = /"key":"kubernetes\.io\/arch","operator":"In","values":\[([^\]]*)\]/u;
const SELECTOR = /"kubernetes\.io\/arch":"([a-z0-9]+)"/u;

/** Parses the body of an answer. */
export function parseVerdict(status: number, body: string): Verdict {
  if (status !== 200) return { ...FAILED, reason: `status ${status}` };
  const review = JSON.parse(body) as JsonObject;
  const response = objectAt(review, 'response');
  const warnings = arrayAt(response, 'warnings').filter((one) => typeof one === 'string');
  const reason = textAt(objectAt(response, 'auditAnnotations'), 'reason') ?? '';
  if (response['allowed'] !== true) return { ...FAILED, kind: 'denied', reason, warnings };
  const patch = Buffer.from(textAt(response, 'patch') ?? '', 'base64').toString();
  const architectures = readArchitectures(patch);
  const kind = patch.includes(`"${GATE}"`) ? 'gated' : architectures.length > 0 ? 'constrained' : 'unchanged';
  return { kind, architectures, reason, warnings };
}

function readArchitectures(patch: string): readonly string[] {
  const [, values] = REQUIREMENT.exec(patch) ?? [];
  if (values !== undefined) return JSON.parse(`[${values}]`) as string[];
  const [, value] = SELECTOR.exec(patch) ?? [];
  return value === undefined ? [] : [value];
}
