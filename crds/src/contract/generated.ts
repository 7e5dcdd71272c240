import type { Json } from '@archpolicy/core';
import fc from 'fast-check';

/** Specifications near the edge of what is valid: each field is mostly right, sometimes not, often absent. */

const architectures = fc.array(fc.constantFrom('amd64', 'arm64', 'riscv64', 'x86_64'), { maxLength: 3 });
const labelText = fc.oneof(fc.constantFrom('app', 'a/b', 'a.b/c-d', '', '-a', 'a_', 'ä'), fc.string({ maxLength: 66 }));
const duration = fc.oneof(
  fc.constantFrom('5s', '60s', '1m', '10m', '24h', '1h30m', '0s', '3 weeks'),
  fc.tuple(fc.nat(700), fc.constantFrom('s', 'm', 'h', 'ms', '')).map(([count, unit]) => `${count}${unit}`),
);
const number = fc.oneof(fc.integer({ min: -2, max: 102 }), fc.constantFrom(6000, 6001, 2 ** 31, 0.5));

const selector = fc.record(
  {
    matchLabels: fc.dictionary(labelText, labelText, { maxKeys: 3 }),
    matchExpressions: fc.array(
      fc.record(
        {
          key: labelText,
          operator: fc.constantFrom('In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt'),
          values: fc.array(labelText, { maxLength: 2 }),
        },
        { requiredKeys: ['key', 'operator'] },
      ),
      { maxLength: 2 },
    ),
  },
  { requiredKeys: [] },
);

const preference = fc.record(
  {
    architectures,
    type: fc.constantFrom('Require', 'Prefer', 'require'),
    weight: number,
    allowOverride: fc.boolean(),
  },
  { requiredKeys: ['architectures'] },
);

const image = fc.record({
  match: fc.oneof(fc.constantFrom('r.io/*', 'r:5000/a@sha256:x', '*'), fc.string({ maxLength: 8 })),
  platforms: fc.array(fc.constantFrom('linux/amd64', 'linux/arm/v7', 'amd64', 'linux/x86'), { maxLength: 2 }),
});

const remediation = fc.record(
  {
    action: fc.constantFrom('Evict', 'Report', 'Delete'),
    recheckInterval: duration,
    gracePeriodAfterScheduling: duration,
    maxEvictionsPerMinute: number,
    includeReady: fc.boolean(),
    ownerKinds: fc.array(fc.constantFrom('argoproj.io/Rollout', 'Rollout', 'a/b'), { maxLength: 2 }),
  },
  { requiredKeys: [] },
);

/** Any field may also be blank. */
const fields: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  priority: number,
  namespaceSelector: selector,
  podSelector: selector,
  mode: fc.constantFrom('Enforce', 'Audit', 'Off'),
  architectures,
  scaleFromZero: architectures,
  preference,
  rollout: fc.record({ architecture: fc.constantFrom('amd64', 'arm64', 'x86'), percent: number }),
  whenNoCommonArchitecture: fc.constantFrom('Admit', 'Deny', ''),
  whenUnresolved: fc.constantFrom('Gate', 'Admit', 'Fallback', 'Deny'),
  fallbackArchitecture: fc.constantFrom('amd64', 'arm64', 'wasm'),
  gateTimeout: duration,
  tolerateArchitectureTaints: fc.boolean(),
  copyLabelsToNodeAffinity: fc.array(labelText, { maxLength: 2 }),
  images: fc.array(image, { maxLength: 2 }),
  remediation,
};

/** One to three fields: with more, hardly any specification would be valid. */
export const specifications: fc.Arbitrary<Json> = fc
  .subarray(Object.keys(fields), { minLength: 1, maxLength: 3 })
  .chain((names) =>
    fc.record(
      Object.fromEntries(names.map((name) => [name, fc.option(fields[name] ?? fc.constant(null), { freq: 12 })])),
    ),
  )
  .map((spec) => JSON.parse(JSON.stringify(spec)) as Json);
