import { LABEL_ROLLOUTS_TEMPLATE_HASH, LABEL_TEMPLATE_HASH } from './labels.ts';
import type { PodLabels } from './labels.ts';

/** The workload of a pod, for limits and messages: the controller that users create. */
export interface TopController {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
}

/** The fields that identify a pod's workload, of a stored pod or of one in creation. */
export interface OwnedPod {
  readonly namespace: string;
  /** The name, or its prefix while the pod has no name. */
  readonly name: string;
  /** The prefix of a bare pod's name that the API server completed. */
  readonly generateName?: string;
  readonly labels: Pick<PodLabels, typeof LABEL_TEMPLATE_HASH | typeof LABEL_ROLLOUTS_TEMPLATE_HASH>;
  /** The owner reference with `controller: true`. */
  readonly owner?: { readonly apiVersion: string; readonly kind: string; readonly name: string };
}

/** The labels with the suffix of a ReplicaSet's name, and the kinds of their controllers. */
const HASH_LABELS = [
  [LABEL_TEMPLATE_HASH, 'Deployment'],
  [LABEL_ROLLOUTS_TEMPLATE_HASH, 'Rollout'],
] as const;

/** The suffix of a CronJob's Job: the scheduled time in minutes since 1970, with eight digits until 2160. */
const CRON_JOB_NUMBER = /-[0-9]{8,}$/;

/**
 * Returns the top controller: the Deployment or Rollout of a ReplicaSet, else the owner, else the pod. A ReplicaSet's suffix must
 * equal the hash in the pod's label, so that similar names are not confused.
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

/** Returns a map key for a top controller. Its parts contain no slashes. */
export function controllerKey({ namespace, kind, name }: TopController): string {
  return `${namespace}/${kind}/${name}`;
}

/**
 * PL7: returns the key of a workload across revisions and runs, `namespace/kind/name`: the top controller, without the number
 * of a CronJob's Job, or the `generateName` of bare pods. It is also the `owner` in a policy's `status.relaxed` (R9).
 */
export function workloadKey(pod: OwnedPod): string {
  const { owner, generateName, name } = pod;
  const top = findTopController(owner === undefined ? { ...pod, name: generateName ?? name } : pod);
  return controllerKey(top.kind === 'Job' ? { ...top, name: top.name.replace(CRON_JOB_NUMBER, '') } : top);
}
