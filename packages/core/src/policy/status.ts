import { z } from 'zod';
import { MAX_SUBDOMAIN_LENGTH } from './label-syntax.ts';
import { ARCHITECTURES } from '../platform/platform.ts';
import { MAX_ARCHITECTURES } from './fields.ts';

/** How many entries `relaxed` holds: half a megabyte of a status would be too much, this is under 100 KB. */
export const MAX_RELAXED = 200;
const MAX_CONDITIONS = 8;
const MAX_CONDITION_MESSAGE_LENGTH = 32_768;
const MAX_REASON_LENGTH = 1_024;
const MAX_TYPE_LENGTH = 316;
/** Namespace, kind and name with two slashes. */
const MAX_OWNER_LENGTH = 63 + 1 + 63 + 1 + MAX_SUBDOMAIN_LENGTH;
const MAX_NAMESPACE_LENGTH = 63;
const MAX_SCOPE_LENGTH = 32;
const MAX_ARCHITECTURE_LENGTH = 32;
/** `2026-01-02T03:04:05.123456789+01:00` and some. */
const MAX_TIME_LENGTH = 40;

/** What the API server did with a pod that carried our tolerations (PL8). */
export const TOLERATION_VERDICTS = ['Accepted', 'Refused'] as const;
export type TolerationVerdict = (typeof TOLERATION_VERDICTS)[number];

/** In `architectures`: nodes without a readable architecture. */
export const UNKNOWN_ARCHITECTURE = 'unknown';
const STATUS_ARCHITECTURES = z.enum(ARCHITECTURES).exclude(['wasm', '386']).options;

const count = (description: string): z.ZodInt => z.int().min(0).meta({ format: 'int64', description });

const time = (description: string): z.ZodString =>
  z.string().max(MAX_TIME_LENGTH).meta({ format: 'date-time', description });

/** `metav1.Condition`. */
const condition = z
  .object({
    type: z.string().max(MAX_TYPE_LENGTH).meta({ description: 'What the condition is about: Ready or Degraded.' }),
    status: z.enum(['True', 'False', 'Unknown']).meta({ description: 'Whether it holds.' }),
    observedGeneration: count('The generation of the policy that the condition is about.').optional(),
    lastTransitionTime: time('When the status of the condition changed last.'),
    reason: z
      .string()
      .min(1)
      .max(MAX_REASON_LENGTH)
      .meta({ description: 'Why, in one CamelCase word.', pattern: '^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$' }),
    message: z.string().max(MAX_CONDITION_MESSAGE_LENGTH).meta({ description: 'Why, in a sentence.' }),
  })
  .meta({ description: 'One aspect of the state of the policy.' });

const pods = z.object({
  matched: count('Pods that the policy governs.').optional(),
  constrained: count('Those that carry a constraint of ours.').optional(),
  gated: count('Those that wait behind the gate archpolicy.dev/inspecting.').optional(),
  misplaced: count('Those on a node that cannot run all of their images.').optional(),
  unresolved: count('Those with an image whose platforms are not known.').optional(),
  unschedulable: count('Those that carry a constraint of ours and find no node.').optional(),
  evicted: count('Evictions since the policy was created.').optional(),
});

const architectureCount = z
  .object({
    name: z.enum([...STATUS_ARCHITECTURES, UNKNOWN_ARCHITECTURE]).meta({
      description:
        'A name as in the node label kubernetes.io/arch; unknown for nodes that do not have the label, or with a name that is no architecture.',
    }),
    nodes: count('Nodes of the architecture.').optional(),
    pods: count('Pods of the policy on them.').optional(),
  })
  .meta({ description: 'The nodes and pods of one architecture.' });

const workloads = z.object({
  total: count('Workloads of the pods that the policy governs.').optional(),
  portable: count('Those whose images all support more than one architecture of the cluster.').optional(),
});

/** All but the time are optional and free: a version that does not know an entry's scope must still read the others. */
const relaxed = z
  .object({
    scope: z
      .string()
      .max(MAX_SCOPE_LENGTH)
      .meta({
        description:
          'What is relaxed. Absent: all preferences for the workload owner. Namespace: the preference for architecture in namespace. ' +
          'Architecture: the preference for architecture.',
      })
      .optional(),
    owner: z
      .string()
      .max(MAX_OWNER_LENGTH)
      .meta({ description: 'The workload, as namespace/kind/name: the top controller, such as shop/Deployment/web.' })
      .optional(),
    namespace: z.string().max(MAX_NAMESPACE_LENGTH).meta({ description: 'The namespace.' }).optional(),
    architecture: z
      .string()
      .max(MAX_ARCHITECTURE_LENGTH)
      .meta({ description: 'The architecture that pods found no node of.' })
      .optional(),
    since: time('Since when pods are not narrowed to it.').optional(),
    until: time(
      'Until when pods are not narrowed to it. The entry stays for a day after that: pods that find no node again are relaxed for twice as long.',
    ).optional(),
  })
  .meta({
    description: 'Pods that found no node of the preferred architecture, and are not narrowed to it for a while.',
  });

export const archPolicyStatusSchema = z
  .object({
    observedGeneration: count('The generation of the policy that this status is about.').optional(),
    conditions: z
      .array(condition)
      .max(MAX_CONDITIONS)
      .meta({
        description: 'The state of the policy: Ready and Degraded.',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['type'],
      })
      .optional(),
    pods: pods.meta({ description: 'Counts of the pods that the policy governs.' }).optional(),
    architectures: z
      .array(architectureCount)
      .max(MAX_ARCHITECTURES)
      .meta({
        description: 'Where these pods are, by architecture of the node.',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
      })
      .optional(),
    workloads: workloads.meta({ description: 'Counts of the workloads of these pods.' }).optional(),
    tolerations: z
      .enum(TOLERATION_VERDICTS)
      .meta({
        description:
          'Whether the API server admits pods with the tolerations of architecture taints: Accepted, or Refused, and then pods get none. Absent until it was tried.',
      })
      .optional(),
    lastRecheckTime: time('When all pods were checked against their nodes last.').optional(),
    relaxed: z
      .array(relaxed)
      .max(MAX_RELAXED)
      .meta({
        description:
          'What is not narrowed to the preferred architecture for a while, because its pods found no node of it: workloads, ' +
          'or all pods of a namespace or of the policy where many workloads are stuck.',
        'x-kubernetes-list-type': 'atomic',
      })
      .optional(),
  })
  .meta({ description: 'What the operator has seen and done. Written by the operator alone.' });
