import { textAt } from '../json/read.ts';
import { workloadKey } from '../kubernetes/top-controller.ts';
import type { PodView } from './pod-view.ts';

/** PL7, R9: returns the workload of a pod. */
export function getWorkload({ owner, labels, metadata }: PodView, namespace: string): string {
  const generateName = textAt(metadata, 'generateName');
  const name = textAt(metadata, 'name') ?? '';
  return workloadKey({
    namespace,
    name,
    labels,
    ...(owner !== undefined && { owner }),
    ...(generateName !== undefined && { generateName }),
  });
}

/**
 * PL7: returns the workload's bucket, 0 to 99. The bucket depends only on the two names, so a higher percentage
 * includes all workloads of a lower one.
 */
export function computeBucket(policy: string, workload: string): number {
  return mix(fnv1a(`${policy}\n${workload}`)) % 100;
}

/** FNV-1a, 32 bits, over UTF-16 code units. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** The finalizer of MurmurHash3. Without it, similar names would get neighbouring buckets. */
function mix(hash: number): number {
  let mixed = hash;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
