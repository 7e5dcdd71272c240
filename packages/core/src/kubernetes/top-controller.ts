import { LABEL_ROLLOUTS_TEMPLATE_HASH, LABEL_TEMPLATE_HASH } from './labels.ts';
import type { PodLabels } from './labels.ts';

/** The controller that users create for a pod, such as a Deployment. Limits and messages use it. */
export interface TopController {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
}

/** The fields that identify the workload of a pod. The pod may be stored, or may not exist yet. */
export interface OwnedPod {
  readonly namespace: string;
  /** The pod's name. If the pod has no name yet, the prefix of its name. */
  readonly name: string;
  /** `metadata.generateName` of a bare pod: the prefix to which the API server added a suffix. */
  readonly generateName?: string;
  readonly labels: Pick<PodLabels, typeof LABEL_TEMPLATE_HASH | typeof LABEL_ROLLOUTS_TEMPLATE_HASH>;
  /** The owner reference with `controller: true`. */
  readonly owner?: { readonly apiVersion: string; readonly kind: string; readonly name: string };
}

/** The labels whose value is the suffix of a ReplicaSet's name, and the kind of the ReplicaSet's controller. */
const HASH_LABELS = [
  [LABEL_TEMPLATE_HASH, 'Deployment'],
  [LABEL_ROLLOUTS_TEMPLATE_HASH, 'Rollout'],
] as const;

/** Matches the suffix of a CronJob's Job: the scheduled time in minutes since 1970, which has eight digits until 2160. */
const CRON_JOB_NUMBER = /-[0-9]{8,}$/;

/**
 * Returns the top controller of a pod: the Deployment or Rollout of its ReplicaSet, else its owner, else the pod itself. The suffix of
 * a ReplicaSet must equal the hash in the pod's label, so that similar names are not confused.
 */
export function findTopController({ namespace, name, labels, owner }: OwnedPod): TopController {
  if (owner === undefined) return { namespace, kind: 'Pod', name };
  if (owner.kind === 'ReplicaSet' && owner.apiVersion.startsWith('apps/')) {
    for (const [label, kind] of HASH_LABELS) {
      const hash = labels[label] ?? '';
      if (hash !== '' && owner.name.endsWith(`-${hash}`)) {
        return { namespace, kind, name: owner.name.slice(0, -hash.length - 1) };
      }
    }
  }
  return { namespace, kind: owner.kind, name: owner.name };
}

/** Returns a map key for a top controller. The key is unique, because its parts contain no slashes. */
export function controllerKey({ namespace, kind, name }: TopController): string {
  return `${namespace}/${kind}/${name}`;
}

/**
 * PL7: returns the key of a workload, `namespace/kind/name`, which is the same for all its revisions and runs. The key
 * names the top controller, without the number at the end of a CronJob's Job. For a bare pod, the key contains
 * `generateName`. The field `owner` in a policy's `status.relaxed` has the same form (R9).
 */
export function workloadKey(pod: OwnedPod): string {
  const { owner, generateName, name } = pod;
  const top = findTopController(owner === undefined ? { ...pod, name: generateName ?? name } : pod);
  return controllerKey(top.kind === 'Job' ? { ...top, name: top.name.replace(CRON_JOB_NUMBER, '') } : top);
}
