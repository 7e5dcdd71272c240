import { z } from 'zod';
import { ARCHITECTURES } from '../platform/platform.ts';
import {
  architecture,
  copiedLabelKey,
  duration,
  labelSelector,
  MAX_ARCHITECTURES,
  orderedSetOf,
  setOf,
  shaped,
} from './fields.ts';
import { DNS_SUBDOMAIN } from './label-syntax.ts';
import { ruled } from './rule.ts';
import { specRules } from './spec-rules.ts';

/**
 * The specification of an ArchPolicy. Its type, parser, CRD and defaults are all derived from this schema. `kubectl
 * explain` prints the descriptions, so each of them states the meaning, unit, default and an example.
 */

const MAX_COPIED_LABELS = 16;
const MAX_IMAGE_OVERRIDES = 128;
const MAX_IMAGE_PATTERN_LENGTH = 512;
const MAX_PLATFORMS = 32;
const MAX_PLATFORM_LENGTH = 64;
const MAX_OWNER_KINDS = 32;
const MAX_OWNER_KIND_LENGTH = 320;
/**
 * The upper limit of `maxEvictionsPerMinute`. 100 requests per second are already too many for one client of an API
 * server.
 */
const MAX_EVICTIONS_PER_MINUTE = 6_000;
const INT32 = { min: -2_147_483_648, max: 2_147_483_647 };

const preference = z.object({
  architectures: orderedSetOf(
    architecture('An architecture as in the node label kubernetes.io/arch, such as arm64.'),
    { min: 1, max: MAX_ARCHITECTURES },
    'The preferred architectures, most preferred first. Required. Example: [arm64, amd64].',
  ),
  type: z
    .enum(['Require', 'Prefer'])
    .default('Require')
    .meta({
      description:
        'Require constrains a pod to the first of the architectures that its images support and for which a ready node can ' +
        'take the pod. Prefer allows all architectures that the images support and adds preferred node affinity. Default: Require.',
    }),
  weight: z
    .int()
    .min(1)
    .max(100)
    .default(100)
    .meta({
      format: 'int32',
      description:
        'With type Prefer: the weight of the first architecture in preferred node affinity, from 1 to 100. The following ' +
        'architectures get proportionally lower weights. Default: 100.',
    }),
  allowOverride: z.boolean().default(true).meta({
    description:
      'Whether a pod or namespace may choose another architecture with the label archpolicy.dev/preferred. Default: true.',
  }),
});

const rollout = z.object({
  architecture: architecture('The architecture that the workloads move to, such as arm64.'),
  percent: z
    .int()
    .min(0)
    .max(100)
    .meta({
      format: 'int32',
      description:
        'Percentage of the workloads that prefer the architecture, from 0 to 100. All pods of a workload move together. ' +
        'Raising the percentage only adds workloads.',
    }),
});

const imageOverride = z
  .object({
    match: shaped(
      '^[A-Za-z0-9*\\[][-A-Za-z0-9._:/@*\\[\\]]*$',
      MAX_IMAGE_PATTERN_LENGTH,
      'write an image with its registry, such as registry.corp/legacy/*, where * stands for any characters',
      'Pattern of image names: registry and repository, with or without tag or digest. * matches any characters, ' +
        'including /. Images of Docker Hub are docker.io/library/NAME or docker.io/OWNER/NAME. Example: registry.corp/legacy/*.',
    ),
    platforms: setOf(
      shaped(
        `^[a-z0-9]+/(${ARCHITECTURES.join('|')})(/[a-z0-9.]+)?$`,
        MAX_PLATFORM_LENGTH,
        'write os/architecture or os/architecture/variant with the names that Go uses, such as linux/amd64 or linux/arm/v7',
        'A platform as os/architecture or os/architecture/variant, such as linux/amd64 or linux/arm/v7.',
      ),
      { min: 1, max: MAX_PLATFORMS },
      'The platforms that the images support. Example: [linux/amd64, linux/arm64].',
    ),
  })
  .meta({ description: 'The platforms of the images that match.' });

const remediation = z.object({
  action: z
    .enum(['Evict', 'Report'])
    .default('Evict')
    .meta({
      description:
        'Evict evicts misplaced pods, so that their owners replace them. Report only reports them in status, events and metrics. ' +
        'Default: Evict.',
    }),
  recheckInterval: duration(
    '1m',
    '24h',
    '10m',
    'How often all pods are checked against their nodes. A duration from 1m to 24h. Default: 10m.',
  ).default('10m'),
  gracePeriodAfterScheduling: duration(
    '1s',
    '1h',
    '30s',
    'How long a pod is not evicted after it was bound to its node. A duration from 1s to 1h. Default: 30s.',
  ).default('30s'),
  maxEvictionsPerMinute: z
    .int()
    .min(1)
    .max(MAX_EVICTIONS_PER_MINUTE)
    .default(60)
    .meta({
      format: 'int32',
      description:
        'The maximum number of evictions per minute over all pods of the policy, from 1 to 6000. To evict no pods, set action ' +
        'to Report. Default: 60.',
    }),
  includeReady: z
    .boolean()
    .default(false)
    .meta({
      description:
        'Whether misplaced pods that are Ready are evicted. A Ready pod runs although its images do not support the node, for ' +
        'example by emulation. Default: false.',
    }),
  ownerKinds: setOf(
    shaped(
      `^${DNS_SUBDOMAIN}/[A-Z][A-Za-z0-9]*$`,
      MAX_OWNER_KIND_LENGTH,
      'write group/Kind, such as argoproj.io/Rollout',
      'A kind as group/Kind, such as argoproj.io/Rollout.',
    ),
    { max: MAX_OWNER_KINDS },
    'Additional kinds of owners that replace an evicted pod, as group/Kind. ReplicaSets, StatefulSets, ReplicationControllers ' +
      'and suitable Jobs are built in. Default: none. Example: [argoproj.io/Rollout].',
  ).default([]),
});

const fields = z.object({
  priority: z
    .int()
    .min(INT32.min)
    .max(INT32.max)
    .default(0)
    .meta({
      format: 'int32',
      description:
        'If several policies match a pod, only the one with the highest priority governs it; of equal priorities, the first by name. ' +
        'Policies are not merged. Default: 0. Example: 100.',
    }),
  namespaceSelector: labelSelector(
    'Selects the namespaces whose pods the policy governs, by label. Default: all namespaces. Example of one namespace: ' +
      '{matchLabels: {kubernetes.io/metadata.name: shop}}.',
  ).default({}),
  podSelector: labelSelector(
    'Selects the pods that the policy governs, by label. Default: all pods. Example: {matchLabels: {app: web}}.',
  ).default({}),
  mode: z
    .enum(['Enforce', 'Audit'])
    .default('Enforce')
    .meta({
      description:
        'Enforce constrains new pods and remediates misplaced ones. Audit changes nothing and only reports what Enforce would do. ' +
        'Default: Enforce.',
    }),
  architectures: setOf(
    architecture('An architecture as in the node label kubernetes.io/arch, such as amd64.'),
    { min: 1, max: MAX_ARCHITECTURES },
    'The architectures on which pods may be placed. If the images of a pod support none of them, the pod is placed by its images ' +
      'alone, with a warning, unless whenNoCommonArchitecture is Deny. Default: all that the images support. Example: [amd64, arm64].',
  ).optional(),
  scaleFromZero: setOf(
    architecture('An architecture as in the node label kubernetes.io/arch, such as arm64.'),
    { max: MAX_ARCHITECTURES },
    'Architectures whose nodes an autoscaler adds on demand. Each counts as having a node while there is none, except for a pod ' +
      'that selects nodes by name or pool if all such nodes have other architectures. Default: none. Example: [arm64].',
  ).default([]),
  scaleFromZeroWait: duration(
    '2m',
    '1h',
    '10m',
    'How long a pod that is constrained to an architecture of scaleFromZero waits for a node before the preference is relaxed. ' +
      'A duration from 2m to 1h. Default: 10m.',
  ).default('10m'),
  preference: preference
    .meta({
      description:
        'Which architecture a pod uses if its images support several. Default: any of them. Example: ' +
        '{architectures: [arm64, amd64], type: Prefer}.',
    })
    .optional(),
  rollout: rollout
    .meta({
      description:
        'Moves a percentage of the workloads to another architecture. Default: none. Example: {architecture: arm64, percent: 25}.',
    })
    .optional(),
  whenNoCommonArchitecture: z
    .enum(['Admit', 'Deny'])
    .default('Admit')
    .meta({
      description:
        'What happens to a pod whose images have no architecture in common. Admit: it is admitted unchanged with a warning. ' +
        'Deny: it is rejected. Deny also rejects a pod whose images support none of spec.architectures, which Admit places by ' +
        'its images alone. Default: Admit.',
    }),
  whenUnresolved: z
    .enum(['Gate', 'Admit', 'Fallback', 'Deny'])
    .default('Gate')
    .meta({
      description:
        'What happens to a pod whose images are not inspected in time. Gate: it is created, but not scheduled until the operator ' +
        'has inspected them. Admit: it is not constrained. Fallback: it is constrained to fallbackArchitecture. Deny: it is ' +
        'rejected. Default: Gate.',
    }),
  fallbackArchitecture: architecture(
    'The architecture to which whenUnresolved Fallback constrains pods if a node of it can take them. Gate uses it after ' +
      'gateTimeout, or at once if inspection cannot succeed. Required for Fallback. Default: none. Example: amd64.',
  ).optional(),
  gateTimeout: duration(
    '5s',
    '10m',
    '60s',
    'How long a pod is gated at most; then it is scheduled. A duration from 5s to 10m. Default: 60s.',
  ).default('60s'),
  tolerateArchitectureTaints: z
    .boolean()
    .default(true)
    .meta({
      description:
        'Whether a constrained pod gets tolerations of the taint kubernetes.io/arch=ARCHITECTURE for its architectures. A toleration ' +
        'is added only if a node has the taint or scaleFromZero lists the architecture. Default: true.',
    }),
  copyLabelsToNodeAffinity: setOf(
    copiedLabelKey('A label key, such as example.com/pool.'),
    { max: MAX_COPIED_LABELS },
    'Keys of pod labels to copy to node affinity: a pod with such a label is scheduled only to nodes with the same label and ' +
      'value. Default: none. Example: [example.com/pool].',
  ).default([]),
  images: ruled(
    z.array(imageOverride).max(MAX_IMAGE_OVERRIDES),
    [
      {
        cel: 'self.all(a, self.exists_one(b, b.match == a.match))',
        holds: (images) => new Set(images.map(({ match }) => match)).size === images.length,
        message: 'write one entry for each match',
      },
    ],
    {
      description:
        'Platforms of images that replace inspection, for unreachable registries and wrong manifests. The first entry that ' +
        'matches an image applies. Default: none. Example: [{match: "registry.corp/legacy/*", platforms: [linux/amd64]}].',
      'x-kubernetes-list-type': 'atomic',
    },
  ).default([]),
  remediation: remediation
    // An absent field is parsed as `{}`. The CRD has the default `{}` too, and the API server sets the defaults in it.
    .prefault({})
    .meta({
      description:
        'What the operator does with misplaced pods: pods on a node that cannot run all of their images. Example: {action: Report}.',
    }),
});

export const archPolicySpecSchema = ruled(fields, specRules, {
  description: 'Which pods the policy governs, and how they are placed and remediated.',
});

/** The parsed specification, with defaults. */
export type ParsedSpec = z.output<typeof fields>;
