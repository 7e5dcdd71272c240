import type { JsonObject } from '@archpolicy/core';

/** This file builds parts of a pod's status as a kubelet or the node lifecycle controller writes them. */

const MINUTE_MS = 60_000;

/** Returns the conditions Ready and ContainersReady: False since now, or True for one minute. */
export function conditions(ready: boolean, reason?: string): JsonObject {
  const lastTransitionTime = new Date(Date.now() - (ready ? MINUTE_MS : 0)).toISOString();
  const status = ready ? 'True' : 'False';
  return {
    conditions: ['Ready', 'ContainersReady'].map((type) => ({
      ...{ type, status, lastTransitionTime },
      reason: reason ?? null,
    })),
  };
}

/** Returns the status of a container that has run for a minute without restarts. */
export function running(name: string, image: string, ready = true): JsonObject {
  const startedAt = new Date(Date.now() - MINUTE_MS).toISOString();
  return { ...common(name, image), ready, started: true, restartCount: 0, state: { running: { startedAt } } };
}

/** Returns the status of a container whose first run ended just now, after one minute. */
export function ended(name: string, image: string): JsonObject {
  const [startedAt, finishedAt] = [Date.now() - MINUTE_MS, Date.now()].map((at) => new Date(at).toISOString());
  const state = { terminated: { exitCode: 1, reason: 'Error', startedAt, finishedAt } };
  return { ...common(name, image), ready: false, started: false, restartCount: 0, state };
}

/** Returns the status of a container in CrashLoopBackOff: its last run failed as soon as it started, and it waits for its next start. */
export function crashLoop(name: string, image: string, restartCount: number): JsonObject {
  const at = new Date().toISOString();
  const message = `back-off 5m0s restarting failed container=${name}`;
  return {
    ...common(name, image),
    ready: false,
    started: false,
    restartCount,
    state: { waiting: { reason: 'CrashLoopBackOff', message } },
    lastState: { terminated: { exitCode: 1, reason: 'Error', startedAt: at, finishedAt: at } },
  };
}

function common(name: string, image: string): JsonObject {
  return { name, image, imageID: `${image}@sha256:${'0'.repeat(64)}` };
}
