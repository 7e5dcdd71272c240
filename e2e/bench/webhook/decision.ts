import { parseArchPolicy, placePod } from '@archpolicy/core';
import type { Inspection, JsonObject, NodeFacts, PlacementInput } from '@archpolicy/core';
import { spread } from '@archpolicy/testkit';
import { print, publish } from './print.ts';

const DECISIONS = 20_000;
const MAX_MICROSECONDS = 20;

/**
 * Measures one decision with its patch and self-check. The pod has three containers with different images, and three
 * required terms.
 */
export async function decision(runs: number): Promise<void> {
  const input = placementInput();
  const times: number[] = [];
  time(input);
  for (let run = 0; run < runs; run += 1) times.push(time(input));
  const { median } = spread(times);
  print(`${median.toFixed(1)} us each`);
  await publish(runs, {
    name: 'webhook-decision',
    title: 'One placement decision with its patch and self-check: a pod with 3 containers and 3 required terms',
    command: 'make bench-webhook PARTS=decision',
    measurements: [
      {
        name: 'CPU time of a decision, not memoized',
        unit: 'us',
        runs: times,
        target: `under ${MAX_MICROSECONDS} us`,
        met: median < MAX_MICROSECONDS,
      },
    ],
  });
}

function time(input: PlacementInput): number {
  const before = process.cpuUsage();
  for (let i = 0; i < DECISIONS; i += 1) placePod(input);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / DECISIONS;
}

function placementInput(): PlacementInput {
  const names = ['main', 'proxy', 'agent'];
  const parsed = parseArchPolicy({
    metadata: { name: 'default' },
    spec: { preference: { architectures: ['amd64'] } },
  });
  if (parsed.kind === 'failed') throw new Error('the policy of the bench is invalid');
  return {
    pod: podManifest(names),
    namespace: 'shop',
    operation: 'CREATE',
    namespaceFacts: { name: 'shop', labels: {}, annotations: {} },
    policy: parsed.value,
    images: new Map(names.map((name, at) => [`registry.example/shop/${name}:v1`, resolvedInspection(String(at))])),
    nodes: ['amd64', 'arm64'].flatMap((architecture) => [1, 2].map((number) => nodeFacts(architecture, number))),
    canGate: true,
    nowMs: 0,
  };
}

function podManifest(names: readonly string[]): JsonObject {
  const term = (zone: string): JsonObject => ({
    matchExpressions: [
      { key: 'topology.kubernetes.io/zone', operator: 'In', values: [zone] },
      { key: 'example.com/spot', operator: 'DoesNotExist' },
    ],
  });
  return {
    metadata: {
      generateName: 'checkout-7c9d8b6f5d-',
      labels: { app: 'checkout', 'pod-template-hash': '7c9d8b6f5d' },
      annotations: { 'prometheus.io/scrape': 'true' },
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'checkout-7c9d8b6f5d', uid: 'u', controller: true },
      ],
    },
    spec: {
      containers: names.map((name) => ({ name, image: `registry.example/shop/${name}:v1` })),
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: ['a', 'b', 'c'].map(term) },
        },
      },
      tolerations: [{ key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' }],
    },
  };
}

function resolvedInspection(digit: string): Inspection {
  const platforms = [
    { os: 'linux', architecture: 'amd64' },
    { os: 'linux', architecture: 'arm64', variant: 'v8' },
  ] as const;
  return {
    kind: 'resolved',
    facts: { digest: `sha256:${digit.repeat(64)}`, platforms, neutral: false },
    source: 'memory',
    ageMs: 0,
  };
}

function nodeFacts(architecture: string, number: number): NodeFacts {
  return {
    name: `${architecture}-${number}`,
    uid: `${architecture}-${number}`,
    labels: { 'kubernetes.io/arch': architecture, 'topology.kubernetes.io/zone': 'c' },
    taints: [],
    ready: true,
    cordoned: false,
    architecture,
    os: 'linux',
  };
}
