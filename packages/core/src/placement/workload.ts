import { labelOf, textAt } from '../kubernetes/read.ts';
import type { Subject } from './subject.ts';

/** The labels that carry the suffix of a ReplicaSet's name: a Deployment's, and an Argo Rollout's. */
const HASH_LABELS = ['pod-template-hash', 'rollouts-pod-template-hash'];
/** A CronJob's Job is named after it and the scheduled time in minutes since 1970, which has eight digits until 2160. */
const CRON_JOB_NUMBER = /-[0-9]{8,}$/;

/**
 * PL7: the workload that a pod belongs to, as one string: what all its pods have in common over revisions and runs.
 */
export function workloadOf({ controller, labels, metadata }: Subject, namespace: string): string {
  if (controller === undefined) {
    return `${namespace}/Pod/${textAt(metadata, 'name') ?? textAt(metadata, 'generateName') ?? ''}`;
  }
  const { kind, name } = controller;
  if (kind === 'ReplicaSet') return `${namespace}/${kind}/${withoutHash(name, labels)}`;
  if (kind === 'Job') return `${namespace}/${kind}/${name.replace(CRON_JOB_NUMBER, '')}`;
  return `${namespace}/${kind}/${name}`;
}

/** PL7: the workload's bucket, 0 to 99. It depends on nothing else, so that raising a percentage only adds workloads. */
export function bucketOf(policy: string, workload: string): number {
  return mix(fnv1a(`${policy}\n${workload}`)) % 100;
}

function withoutHash(name: string, labels: Subject['labels']): string {
  for (const label of HASH_LABELS) {
    const hash = labelOf(labels, label);
    if (hash !== undefined && hash !== '' && name.endsWith(`-${hash}`)) return name.slice(0, -hash.length - 1);
  }
  return name;
}

/** FNV-1a, 32 bits, over UTF-16 code units. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** The finalizer of MurmurHash3: without it, similar names would fall into neighbouring buckets. */
function mix(hash: number): number {
  let mixed = hash;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
