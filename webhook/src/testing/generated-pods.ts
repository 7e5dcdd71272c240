import type { JsonObject } from '@archpolicy/core';
import fc from 'fast-check';

/** Pods that an API server takes, with all that placement looks at, for properties of whole answers. */
export function podThatIsValid(images: readonly string[]): fc.Arbitrary<JsonObject> {
  const container = fc.record({ image: fc.constantFrom(...images) });
  const named = (prefix: string, all: readonly JsonObject[]): JsonObject[] =>
    all.map((one, index) => ({ name: `${prefix}${index}`, ...one }));
  const spec = fc
    .record(
      {
        containers: fc.array(container, { minLength: 1, maxLength: 3 }),
        initContainers: fc.array(container, { maxLength: 2 }),
        nodeSelector: fc.dictionary(key, value, { maxKeys: 2 }),
        affinity: affinity(),
        tolerations: fc.array(toleration, { maxLength: 3 }),
        schedulingGates: fc.constantFrom([], [{ name: 'example.com/quota' }]),
        os: fc.constant({ name: 'linux' }),
        activeDeadlineSeconds: fc.constantFrom(30, 3_600),
        hostNetwork: fc.boolean(),
        priority: fc.constant(0),
      },
      { requiredKeys: ['containers'] },
    )
    .map(({ containers, initContainers = [], ...rest }): JsonObject => ({
      ...(rest as JsonObject),
      containers: named('c', containers),
      initContainers: named('i', initContainers),
    }));
  return fc.record({ metadata, spec }).map((pod) => ({ apiVersion: 'v1', kind: 'Pod', ...pod }));
}

const KEYS = ['kubernetes.io/arch', 'beta.kubernetes.io/arch', 'kubernetes.io/os', 'zone', 'example.com/team'];
const VALUES = ['amd64', 'arm64', 'linux', 'a', 'b', '7'];
const key = fc.constantFrom(...KEYS);
const value = fc.constantFrom(...VALUES);

const expression: fc.Arbitrary<JsonObject> = fc.oneof(
  fc.record({
    key,
    operator: fc.constantFrom('In', 'NotIn'),
    values: fc.uniqueArray(value, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ key, operator: fc.constantFrom('Exists', 'DoesNotExist') }),
  fc.record({ key, operator: fc.constantFrom('Gt', 'Lt'), values: fc.constantFrom(['3'], ['-1']) }),
);
const field: fc.Arbitrary<JsonObject> = fc.record({
  key: fc.constant('metadata.name'),
  operator: fc.constantFrom('In', 'NotIn'),
  values: fc.constantFrom(['arm64-1'], ['nowhere']),
});
const term: fc.Arbitrary<JsonObject> = fc.record(
  { matchExpressions: fc.array(expression, { maxLength: 3 }), matchFields: fc.array(field, { maxLength: 1 }) },
  { requiredKeys: [] },
);

function affinity(): fc.Arbitrary<JsonObject> {
  const nodeAffinity = fc.record(
    {
      requiredDuringSchedulingIgnoredDuringExecution: fc.record({
        nodeSelectorTerms: fc.array(term, { minLength: 1, maxLength: 3 }),
      }),
      preferredDuringSchedulingIgnoredDuringExecution: fc.array(
        fc.record({ weight: fc.integer({ min: 1, max: 100 }), preference: term }),
        { maxLength: 2 },
      ),
    },
    { requiredKeys: [] },
  );
  const podAntiAffinity = fc.constant<JsonObject>({
    requiredDuringSchedulingIgnoredDuringExecution: [
      { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'x' } } },
    ],
  });
  return fc.record({ nodeAffinity, podAntiAffinity }, { requiredKeys: [] });
}

const toleration: fc.Arbitrary<JsonObject> = fc.oneof(
  fc.record({ key: fc.constant('kubernetes.io/arch'), operator: fc.constant('Exists') }),
  fc.record({
    key: fc.constantFrom('kubernetes.io/arch', 'gpu'),
    operator: fc.constant('Equal'),
    value: fc.constantFrom('amd64', 'arm64'),
    effect: fc.constantFrom('NoSchedule', 'PreferNoSchedule'),
  }),
  fc.record({
    key: fc.constant('kubernetes.io/arch'),
    operator: fc.constant('Exists'),
    effect: fc.constant('NoExecute'),
    tolerationSeconds: fc.constant(60),
  }),
);

const ownerReference = fc.constantFrom(
  { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-abc', uid: 'u', controller: true },
  { apiVersion: 'batch/v1', kind: 'Job', name: 'job-29000000', uid: 'u', controller: true },
);
const metadata = fc.record(
  {
    generateName: fc.constant('generated-'),
    labels: fc.record(
      {
        'archpolicy.dev/preferred': fc.constantFrom('arm64', 'amd64', 's390x', 'graviton'),
        'example.com/team': fc.constantFrom('a', 'b'),
        'pod-template-hash': fc.constant('abc'),
      },
      { requiredKeys: [] },
    ),
    annotations: fc.dictionary(
      fc.constantFrom('example.com/a', 'plain', 'example.com/b.c_d'),
      fc.string({ maxLength: 40 }),
    ),
    ownerReferences: fc.array(ownerReference, { maxLength: 1 }),
  },
  { requiredKeys: ['generateName'] },
);
