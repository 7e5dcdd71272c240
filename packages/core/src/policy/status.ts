import { z } from 'zod';
import { MAX_SUBDOMAIN_LENGTH } from './label-syntax.ts';
import { ARCHITECTURES } from '../platform/platform.ts';
import { MAX_ARCHITECTURES } from './fields.ts';

/** Maximum number of entries in `relaxed`. Together they take less than 100 KB. */
export const MAX_RELAXED = 200;
const MAX_CONDITIONS = 8;
const MAX_CONDITION_MESSAGE_LENGTH = 32_768;
const MAX_REASON_LENGTH = 1_024;
const MAX_TYPE_LENGTH = 316;
/** Maximum length of namespace, kind and name with two slashes between them. */
const MAX_OWNER_LENGTH = 63 + 1 + 63 + 1 + MAX_SUBDOMAIN_LENGTH;
const MAX_NAMESPACE_LENGTH = 63;
const MAX_SCOPE_LENGTH = 32;
const MAX_ARCHITECTURE_LENGTH = 32;
/** Maximum length of a timestamp; `2026-01-02T03:04:05.123456789+01:00` is shorter. */
const MAX_TIME_LENGTH = 40;

/** Whether the API server admits a pod with tolerations of architecture taints (PL8). */
export const TOLERATION_VERDICTS = ['Accepted', 'Refused'] as const;
export type TolerationVerdict = (typeof TOLERATION_VERDICTS)[number];

/** The name in `architectures` that counts nodes without a known architecture. */
export const UNKNOWN_ARCHITECTURE = 'unknown';
const STATUS_ARCHITECTURES = z.enum(ARCHITECTURES).exclude(['wasm', '386']).options;

const count = (description: string): z.ZodInt => z.int().min(0).meta({ format: 'int64', description });

const time = (description: string): z.ZodString =>
  z.string().max(MAX_TIME_LENGTH).meta({ format: 'date-time', description });

/** `metav1.Condition`. */
const condition = z
  .object({
    type: z.string().max(MAX_TYPE_LENGTH).meta({ description: 'Type of the condition: Ready or Degraded.' }),
    status: z.enum(['True', 'False', 'Unknown']).meta({ description: 'Whether the condition holds.' }),
    observedGeneration: count('The metadata.generation of the policy for which the condition was set.').optional(),
    lastTransitionTime: time('When the status of the condition last changed.'),
    reason: z.string().min(1).max(MAX_REASON_LENGTH).meta({
      description: 'Reason of the status as one CamelCase word, such as Enforcing.',
      pattern: '^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$',
    }),
    message: z.string().max(MAX_CONDITION_MESSAGE_LENGTH).meta({ description: 'Reason of the status as a sentence.' }),
  })
  .meta({ description: 'One condition of the policy.' });

const pods = z.object({
  matched: count('Pods that the policy governs.').optional(),
  constrained: count('Governed pods with a constraint that ArchPolicy added.').optional(),
  gated: count(
    'Governed pods with the scheduling gate archpolicy.dev/inspecting, which wait for inspection.',
  ).optional(),
  misplaced: count('Governed pods on a node that cannot run all of their images.').optional(),
  unresolved: count('Governed pods with an image whose platforms are unknown.').optional(),
  unschedulable: count('Governed pods that have a constraint from ArchPolicy and no feasible node.').optional(),
  evicted: count('Evictions since the policy was created.').optional(),
});

const architectureCount = z
  .object({
    name: z.enum([...STATUS_ARCHITECTURES, UNKNOWN_ARCHITECTURE]).meta({
      description:
        'The architecture as in the node label kubernetes.io/arch; unknown for nodes without the label or with an unknown value of it.',
    }),
    nodes: count('Nodes of this architecture.').optional(),
    pods: count('Governed pods on these nodes.').optional(),
  })
  .meta({ description: 'The nodes and governed pods of one architecture.' });

const workloads = z.object({
  total: count('Workloads of the governed pods.').optional(),
  portable: count('Workloads whose images all support more than one architecture of the cluster.').optional(),
});

/**
 * The schema of an entry in `relaxed`. All fields are optional and accept any text, so that an older version can read
 * entries that a newer version wrote.
 */
const relaxed = z
  .object({
    scope: z
      .string()
      .max(MAX_SCOPE_LENGTH)
      .meta({
        description:
          'What the entry relaxes. Absent: all preferences for the workload in owner. Namespace: the preference for architecture in ' +
          'namespace. Architecture: the preference for architecture in all pods of the policy.',
      })
      .optional(),
    owner: z
      .string()
      .max(MAX_OWNER_LENGTH)
      .meta({
        description: 'The workload as namespace/kind/name of its top-level controller, such as shop/Deployment/web.',
      })
      .optional(),
    namespace: z
      .string()
      .max(MAX_NAMESPACE_LENGTH)
      .meta({ description: 'The namespace, with scope Namespace.' })
      .optional(),
    architecture: z
      .string()
      .max(MAX_ARCHITECTURE_LENGTH)
      .meta({ description: 'The preferred architecture that has no feasible node, such as arm64.' })
      .optional(),
    since: time('Since when the preference is relaxed.').optional(),
    until: time(
      'When the preference applies again. The entry is kept for a day after that: if pods find no feasible node again, the ' +
        'preference is relaxed for twice as long.',
    ).optional(),
  })
  .meta({
    description: 'One preference that is temporarily relaxed, or was within the last day.',
  });

export const archPolicyStatusSchema = z
  .object({
    observedGeneration: count('The metadata.generation of the policy for which the status was computed.').optional(),
    conditions: z
      .array(condition)
      .max(MAX_CONDITIONS)
      .meta({
        description: 'The conditions Ready and Degraded of the policy.',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['type'],
      })
      .optional(),
    pods: pods.meta({ description: 'Counts of the pods that the policy governs.' }).optional(),
    architectures: z
      .array(architectureCount)
      .max(MAX_ARCHITECTURES)
      .meta({
        description: 'Nodes and governed pods by architecture of the node.',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
      })
      .optional(),
    workloads: workloads.meta({ description: 'Counts of the workloads of the governed pods.' }).optional(),
    tolerations: z
      .enum(TOLERATION_VERDICTS)
      .meta({
        description:
          'Whether the API server admits pods with tolerations of architecture taints. If Refused, pods get no such tolerations. ' +
          'Absent until tested.',
      })
      .optional(),
    lastRecheckTime: time('When all pods were last checked against their nodes.').optional(),
    relaxed: z
      .array(relaxed)
      .max(MAX_RELAXED)
      .meta({
        description:
          'Preferences that are temporarily relaxed because the preferred architecture has no feasible node. An entry is about ' +
          'one workload, or about a namespace or the whole policy if many of its workloads are unschedulable.',
        'x-kubernetes-list-type': 'atomic',
      })
      .optional(),
  })
  .meta({ description: 'State of the policy and its pods as observed by the operator. Do not edit.' });
