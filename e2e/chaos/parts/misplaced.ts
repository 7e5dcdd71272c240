import type { JsonObject } from '@archpolicy/core';
import { podTemplate, workload } from '../../support/manifests.ts';
import type { PodOptions } from '../../support/manifests.ts';
import type { SeenEviction } from '../../support/api-proxy.ts';
import type { SeenPod } from '../../support/pods.ts';
import { runsOnArm64 } from '../../suites/operator/cases.ts';
import type { ChaosCluster } from '../cluster/chaos-cluster.ts';

/**
 * Creates a namespace that skips the webhook, with one Deployment of arm64 pods for each name, which crash on amd64
 * nodes. `enable` lets the operator find them.
 */
export async function createMisplaced(
  chaos: ChaosCluster,
  namespace: string,
  apps: readonly string[],
  { replicas = 1, pods = {} }: { readonly replicas?: number; readonly pods?: PodOptions } = {},
): Promise<readonly SeenPod[]> {
  await chaos.createNamespace(namespace, {}, { skip: true });
  const items = apps.map((app): JsonObject =>
    workload('Deployment', namespace, app, podTemplate(app, chaos.images.arm64, pods), { replicas }),
  );
  return chaos.applyOnAmd64(namespace, items, apps.length * replicas);
}

/** Waits until these many pods, and no others, run on arm64 nodes. */
export async function waitUntilMoved(chaos: ChaosCluster, namespace: string, pods: number): Promise<void> {
  await chaos.waitFor(`${pods} pods of ${namespace} to run on arm64 nodes`, () => {
    const all = chaos.live.pods(namespace);
    return all.length === pods && all.every(runsOnArm64);
  });
}

/** Returns the evictions that the API server accepted. */
export function accepted(evictions: readonly SeenEviction[]): readonly SeenEviction[] {
  return evictions.filter(({ status }) => status === 201);
}

/** Returns how many evictions of a pod were accepted after the first one. */
export function countRepeated(evictions: readonly SeenEviction[]): number {
  return accepted(evictions).length - new Set(accepted(evictions).map(({ uid }) => uid)).size;
}

/** Returns the highest number of moments within a second. @param times in milliseconds, ascending */
export function busiestSecond(times: readonly number[]): number {
  return Math.max(0, ...times.map((begin) => times.filter((at) => at >= begin && at < begin + 1_000).length));
}
