import type { ImageFacts, Inspection } from '../inspection/inspection.ts';
import type { ContainerEvidence, Labels, NodeFacts, OwnerReference, PodFacts } from '../kubernetes/facts.ts';
import { parsePlatform } from '../platform/parse.ts';
import type { Platform } from '../platform/platform.ts';
import type { RemediationPolicy } from './decide.ts';

/** Builders for the tables of this folder's tests. Times are epoch milliseconds, small enough to read. */

export const CREATED_AT = 1_000_000;
export const IMAGE = 'registry.test/web:v1';

export const REPLICA_SET: OwnerReference = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d4f', uid: 'rs-1' };

const LABELS: Labels = { app: 'web', 'pod-template-hash': '5d4f' };

/** The defaults of a policy. */
export const REMEDIATION: RemediationPolicy['remediation'] = {
  action: 'Evict',
  recheckInterval: '10m',
  gracePeriodAfterScheduling: '30s',
  maxEvictionsPerMinute: 60,
  includeReady: false,
  ownerKinds: [],
};

/** A pod of a Deployment's ReplicaSet that crashes on node `amd64-1`, bound to it when it was created. */
export function pod(changes: Partial<PodFacts> = {}): PodFacts {
  return {
    namespace: 'shop',
    name: 'web-5d4f-x1',
    uid: 'uid-1',
    resourceVersion: '77',
    labels: LABELS,
    annotations: {},
    owner: REPLICA_SET,
    createdAtMs: CREATED_AT,
    deleting: false,
    nodeName: 'amd64-1',
    os: 'linux',
    images: [IMAGE],
    nodeSelector: {},
    tolerations: [],
    schedulingGates: [],
    phase: 'Running',
    ready: { value: false, sinceMs: CREATED_AT },
    scheduled: { value: true, sinceMs: CREATED_AT },
    containers: [container({ lastTerminated: { reason: 'Error', exitCode: 1, message: '', seconds: 0 } })],
    ...changes,
  };
}

/** The pod without one of its optional facts: without its owner it is a bare one. */
export function without(fact: 'owner' | 'nodeName', changes: Partial<PodFacts> = {}): PodFacts {
  const facts = { ...pod(changes) };
  // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- absent is what the type means, not undefined
  delete facts[fact];
  return facts;
}

export function node(changes: Partial<NodeFacts> = {}): NodeFacts {
  const { os = 'linux', architecture = 'amd64' } = changes;
  return {
    name: 'amd64-1',
    labels: { 'kubernetes.io/arch': architecture, 'kubernetes.io/os': os },
    taints: [],
    ready: true,
    cordoned: false,
    architecture,
    os,
    ...changes,
  };
}

export function container(changes: Partial<ContainerEvidence> = {}): ContainerEvidence {
  return {
    name: 'main',
    image: IMAGE,
    ready: false,
    running: false,
    restartCount: 0,
    ...changes,
  };
}

/** An image that declares these platforms: `resolved('linux/arm64', 'windows/amd64')`. */
export function resolved(...platforms: readonly string[]): Inspection {
  return { kind: 'resolved', facts: facts(platforms), source: 'registry', ageMs: 0 };
}

/** An artifact without platforms. */
export function neutral(): Inspection {
  return { kind: 'resolved', facts: { ...facts([]), neutral: true }, source: 'registry', ageMs: 0 };
}

function facts(platforms: readonly string[]): ImageFacts {
  return { digest: `sha256:${'0'.repeat(64)}`, platforms: platforms.map(platform), neutral: false };
}

function platform(text: string): Platform {
  const parsed = parsePlatform(text);
  if (parsed.kind !== 'platform') throw new Error(`not a platform: ${text}`);
  return parsed.platform;
}
