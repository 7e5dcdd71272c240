import { parseArchPolicy, parsePlatform, READY_AFTER_MS } from '@archpolicy/core';
import type { ArchPolicy, ContainerEvidence, Inspection, JsonObject, NodeFacts, PodFacts } from '@archpolicy/core';
import type { Logger } from '@archpolicy/service';

/** Logs nothing. */
export const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
};

/** Epoch milliseconds, for tests in which no clock runs. */
const NOW_MS = Date.UTC(2026, 0, 1);
/** Longer than the default policy's grace period after scheduling. */
const BOUND_FOR_MS = 60_000;

const RUNNING: ContainerEvidence = {
  name: 'main',
  image: 'registry.test/web:v1',
  ready: true,
  running: true,
  restartCount: 0,
};

const CRASHED: ContainerEvidence = {
  name: 'main',
  image: 'registry.test/web:v1',
  ready: false,
  running: false,
  restartCount: 3,
  lastTerminated: { reason: 'Error', exitCode: 255, message: '', seconds: 0 },
};

/** The status of a pod that has been Ready for ten seconds. */
export function cameUp(nowMs: number): Partial<PodFacts> {
  return { ready: { value: true, sinceMs: nowMs - READY_AFTER_MS }, containers: [RUNNING] };
}

/** A crash-looping pod of Deployment `web` on node `amd64-1`, bound a minute before `nowMs`. */
export function crashLoopingPod(name: string, changes: Partial<PodFacts> = {}, nowMs = NOW_MS): PodFacts {
  const boundAtMs = nowMs - BOUND_FOR_MS;
  return {
    namespace: 'shop',
    name,
    uid: `uid-${name}`,
    resourceVersion: '1',
    labels: { 'pod-template-hash': '5d4f' },
    annotations: {},
    owner: { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d4f', uid: 'rs' },
    createdAtMs: boundAtMs,
    deleting: false,
    nodeName: 'amd64-1',
    os: 'linux',
    images: ['registry.test/web:v1'],
    nodeSelector: {},
    tolerations: [],
    schedulingGates: [],
    phase: 'Running',
    ready: { value: false, sinceMs: boundAtMs },
    scheduled: { value: true, sinceMs: boundAtMs },
    containers: [CRASHED],
    ...changes,
  };
}

export function policy(spec: JsonObject, name = 'default', more: JsonObject = {}): ArchPolicy {
  const metadata = { name, uid: `policy-${name}`, generation: 1, resourceVersion: '1' };
  const parsed = parseArchPolicy({ metadata, spec, ...more });
  if (parsed.kind === 'invalid') throw new Error(JSON.stringify(parsed.problems));
  return parsed.policy;
}

export function node(name: string, architecture: string, changes: Partial<NodeFacts> = {}): NodeFacts {
  const labels = { 'kubernetes.io/arch': architecture, 'kubernetes.io/os': 'linux' };
  return { name, labels, taints: [], ready: true, cordoned: false, architecture, os: 'linux', ...changes };
}

export function resolved(...platforms: readonly string[]): Inspection {
  const parsed = platforms.map((text) => {
    const platform = parsePlatform(text);
    if (platform.kind !== 'platform') throw new Error(`not a platform: ${text}`);
    return platform.platform;
  });
  const facts = { digest: `sha256:${'0'.repeat(64)}`, platforms: parsed, neutral: false };
  return { kind: 'resolved', facts, source: 'registry', ageMs: 0 };
}
