import { LABEL_ROLLOUTS_TEMPLATE_HASH, LABEL_TEMPLATE_HASH } from './labels.ts';
import type { PodLabels } from './labels.ts';

/** The workload that a pod belongs to, for limits and messages: the controller that people know by name. */
export interface TopController {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
}

/** What tells whose pod it is: a pod that exists, or one that is being created. */
export interface OwnedPod {
  readonly namespace: string;
  /** Its name; while it has none, what its name will begin with. */
  readonly name: string;
  /** Of a bare pod: what its name begins with, where the API server completed it. */
  readonly generateName?: string;
  readonly labels: Pick<PodLabels, typeof LABEL_TEMPLATE_HASH | typeof LABEL_ROLLOUTS_TEMPLATE_HASH>;
  /** The owner reference with `controller: true`. */
  readonly owner?: { readonly apiVersion: string; readonly kind: string; readonly name: string };
}

/** The labels with the suffix of a ReplicaSet's name, and the kind of the controller that sets each. */
const HASH_LABELS = [
  [LABEL_TEMPLATE_HASH, 'Deployment'],
  [LABEL_ROLLOUTS_TEMPLATE_HASH, 'Rollout'],
] as const;

/** A CronJob's Job is named after it and the scheduled time in minutes since 1970, which has eight digits until 2160. */
const CRON_JOB_NUMBER = /-[0-9]{8,}$/;

/**
 * The top controller: the Deployment of a ReplicaSet that carries its hash, else the owner itself, else the pod.
 * Two names that only look alike end in different answers: the hash is compared with the pod's own label.
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

/** One string for one top controller, for maps. Slashes cannot occur in any of its parts. */
export function controllerKey({ namespace, kind, name }: TopController): string {
  return `${namespace}/${kind}/${name}`;
}

/**
 * PL7: what all pods of a workload have in common over revisions and runs, as `namespace/kind/name`: the top controller,
 * of a CronJob's Job without its number, of bare pods with a `generateName` that name. It is also the `owner` in a policy's `status.relaxed` (R9).
 */
export function workloadKey(pod: OwnedPod): string {
  const { owner, generateName, name } = pod;
  const top = findTopController(owner === undefined ? { ...pod, name: generateName ?? name } : pod);
  return controllerKey(top.kind === 'Job' ? { ...top, name: top.name.replace(CRON_JOB_NUMBER, '') } : top);
}
