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
 * The specification of an ArchPolicy: the one source of its type, its parser and its CRD. Descriptions are what
 * `kubectl explain` prints. Defaults appear here and nowhere else.
 */

const MAX_COPIED_LABELS = 16;
const MAX_IMAGE_OVERRIDES = 128;
const MAX_IMAGE_PATTERN_LENGTH = 512;
const MAX_PLATFORMS = 32;
const MAX_PLATFORM_LENGTH = 64;
const MAX_OWNER_KINDS = 32;
const MAX_OWNER_KIND_LENGTH = 320;
/** A hundred a second: above what an API server should be asked for by one client. */
const MAX_EVICTIONS_PER_MINUTE = 6_000;
const INT32 = { min: -2_147_483_648, max: 2_147_483_647 };

const preference = z.object({
  architectures: orderedSetOf(
    architecture('A name as in the node label kubernetes.io/arch.'),
    { min: 1, max: MAX_ARCHITECTURES },
    'The preferred architectures, the most wanted first.',
  ),
  type: z
    .enum(['Require', 'Prefer'])
    .default('Require')
    .meta({
      description:
        'Require narrows a pod to the first of the architectures that its images support and that a ready node can take ' +
        'it on. Prefer leaves it all that its images support and adds preferred node affinity.',
    }),
  weight: z.int().min(1).max(100).default(100).meta({
    format: 'int32',
    description:
      'With type Prefer: weight of the first architecture in node affinity, from 1 to 100. The others get less, in order.',
  }),
  allowOverride: z.boolean().default(true).meta({
    description:
      'Whether a pod or a namespace may choose another architecture with the label archpolicy.dev/preferred.',
  }),
});

const rollout = z.object({
  architecture: architecture('The architecture that the workloads move to.'),
  percent: z
    .int()
    .min(0)
    .max(100)
    .meta({
      format: 'int32',
      description:
        'Percent of the workloads that prefer the architecture, from 0 to 100. Raising it only adds workloads, and the ' +
        'pods of a workload stay together.',
    }),
});

const imageOverride = z
  .object({
    match: shaped(
      '^[A-Za-z0-9*\\[][-A-Za-z0-9._:/@*\\[\\]]*$',
      MAX_IMAGE_PATTERN_LENGTH,
      'write an image with its registry, such as registry.corp/legacy/*, where * stands for any characters',
      'Images by registry and repository, with or without tag or digest. * stands for any run of characters, / ' +
        'included. Images of Docker Hub are docker.io/library/NAME or docker.io/OWNER/NAME.',
    ),
    platforms: setOf(
      shaped(
        `^[a-z0-9]+/(${ARCHITECTURES.join('|')})(/[a-z0-9.]+)?$`,
        MAX_PLATFORM_LENGTH,
        'write os/architecture or os/architecture/variant with the names that Go uses, such as linux/amd64 or linux/arm/v7',
        'A platform such as linux/amd64.',
      ),
      { min: 1, max: MAX_PLATFORMS },
      'The platforms that these images run on.',
    ),
  })
  .meta({ description: 'What the images that match run on.' });

const remediation = z.object({
  action: z.enum(['Evict', 'Report']).default('Evict').meta({
    description: 'What is done about a misplaced pod: Evict it, or only Report it in status, events and metrics.',
  }),
  recheckInterval: duration('1m', '24h', '10m', 'How often every pod is checked against its node; 1m to 24h.').default(
    '10m',
  ),
  gracePeriodAfterScheduling: duration(
    '1s',
    '1h',
    '30s',
    'How long a pod is left alone after it was bound to its node; 1s to 1h.',
  ).default('30s'),
  maxEvictionsPerMinute: z.int().min(1).max(MAX_EVICTIONS_PER_MINUTE).default(60).meta({
    format: 'int32',
    description:
      "How many of the policy's pods are evicted in a minute at most; 1 to 6000. To evict none set action to Report.",
  }),
  includeReady: z
    .boolean()
    .default(false)
    .meta({
      description:
        'Whether pods that are Ready on the wrong node are evicted too. A Ready pod runs, whatever its image says: by emulation, ' +
        'for instance.',
    }),
  ownerKinds: setOf(
    shaped(
      `^${DNS_SUBDOMAIN}/[A-Z][A-Za-z0-9]*$`,
      MAX_OWNER_KIND_LENGTH,
      'write group/Kind, such as argoproj.io/Rollout',
      'An owner kind such as argoproj.io/Rollout.',
    ),
    { max: MAX_OWNER_KINDS },
    'Further kinds of owners, as group/Kind, that replace an evicted pod. ReplicaSets, StatefulSets, ' +
      'ReplicationControllers and suitable Jobs are known.',
  ).default([]),
});

const fields = z.object({
  priority: z.int().min(INT32.min).max(INT32.max).default(0).meta({
    format: 'int32',
    description:
      'Among the policies that match a pod the highest priority wins, and of equals the first by name. Policies are not merged.',
  }),
  namespaceSelector: labelSelector(
    'Namespaces whose pods the policy governs, by label. Empty: all. One namespace is selected by its label kubernetes.io/metadata.name.',
  ).default({}),
  podSelector: labelSelector('Pods that the policy governs, by label. Empty: all.').default({}),
  mode: z.enum(['Enforce', 'Audit']).default('Enforce').meta({
    description:
      'Enforce constrains new pods and puts misplaced ones right. Audit changes nothing and shows what Enforce would do.',
  }),
  architectures: setOf(
    architecture('A name as in the node label kubernetes.io/arch, such as amd64.'),
    { min: 1, max: MAX_ARCHITECTURES },
    'The architectures that pods may be placed on. Absent: all that their images support. Where the images of a pod support ' +
      'none of them, the pod is placed by its images alone, with a warning, unless whenNoCommonArchitecture is Deny.',
  ).optional(),
  scaleFromZero: setOf(
    architecture('A name as in the node label kubernetes.io/arch, such as arm64.'),
    { max: MAX_ARCHITECTURES },
    'Architectures that an autoscaler can bring: they count as having a node even while there is none, except for pods that ' +
      'select nodes by name or pool where all such nodes are of other architectures.',
  ).default([]),
  scaleFromZeroWait: duration(
    '2m',
    '1h',
    '10m',
    'How long a pod that is narrowed to an architecture of scaleFromZero waits for its node before the preference is relaxed; 2m to 1h.',
  ).default('10m'),
  preference: preference
    .meta({
      description:
        'Which of the architectures that its images support a pod goes to. Absent: all of them. An example: ' +
        '{architectures: [arm64, amd64], type: Prefer}.',
    })
    .optional(),
  rollout: rollout
    .meta({ description: 'Moves workloads to another architecture step by step. Absent: none.' })
    .optional(),
  whenNoCommonArchitecture: z
    .enum(['Admit', 'Deny'])
    .default('Admit')
    .meta({
      description:
        'What is done with a pod whose images have no architecture in common: Admit it unchanged with a warning, or Deny it. ' +
        'Deny also refuses a pod whose images support none of spec.architectures; Admit places it by its images alone.',
    }),
  whenUnresolved: z
    .enum(['Gate', 'Admit', 'Fallback', 'Deny'])
    .default('Gate')
    .meta({
      description:
        'What is done with a pod whose images could not be inspected in time: Gate keeps it from being scheduled until the ' +
        'operator knows, Admit leaves it unconstrained, Fallback constrains it to fallbackArchitecture, Deny refuses it.',
    }),
  fallbackArchitecture: architecture(
    'The architecture that whenUnresolved Fallback constrains pods to where a node can take them on it, and that Gate uses once ' +
      'gateTimeout has passed or where no answer can come.',
  ).optional(),
  gateTimeout: duration('5s', '10m', '60s', 'How long a pod is gated at most before it is freed; 5s to 10m.').default(
    '60s',
  ),
  tolerateArchitectureTaints: z.boolean().default(true).meta({
    description:
      'Whether pods get tolerations of the taints kubernetes.io/arch=ARCHITECTURE of the architectures that they are constrained to, where a node carries the taint or scaleFromZero lists the architecture.',
  }),
  copyLabelsToNodeAffinity: setOf(
    copiedLabelKey('A label key.'),
    { max: MAX_COPIED_LABELS },
    'Keys of pod labels. A pod that carries one goes only to nodes that carry the same label with the same value.',
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
        'Facts that take the place of inspection, for registries that cannot be reached and manifests that are wrong. ' +
        'The first entry that matches an image counts.',
      'x-kubernetes-list-type': 'atomic',
    },
  ).default([]),
  remediation: remediation
    // The parsed form of `{}`; the CRD says `{}`, from which the API server fills in the same.
    .prefault({})
    .meta({ description: 'What the operator does about pods on nodes that cannot run their images.' }),
});

export const archPolicySpecSchema = ruled(fields, specRules, {
  description: 'What is wanted of the pods that the policy governs.',
});

/** The specification as it is used: parsed, with every default filled in. */
export type ParsedSpec = z.output<typeof fields>;
