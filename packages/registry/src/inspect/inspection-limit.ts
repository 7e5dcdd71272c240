import type { PoolSize, SharedWorkOptions } from '@archpolicy/async';

/**
 * The classes of inspections: for a pod that waits, in the background, and for a pod of a namespace that has named more
 * new images than its share.
 */
export type InspectionClass = 'admission' | 'background' | 'excess';

/** The limits of concurrent inspections (K5), which the namespaces share. */
export const INSPECTION_LIMITS: Omit<SharedWorkOptions<InspectionClass>, 'clock'> = {
  // The later classes run only in slots that the earlier ones do not need.
  priorities: ['admission', 'background', 'excess'],
  maxRunning: 2_000,
  // A cluster that restarts names some thousand images. A waiting inspection takes about 5 KB (measured).
  maxWaiting: 10_000,
  // The rest of the queue is for other namespaces.
  maxWaitingPerTenant: 4_000,
  // Half a second is more than a registry that works takes, so that few inspections are started twice. Together with the
  // interval of the checks, it delays another namespace by less than a second.
  preemption: { overShareMs: 500, abandonedMs: 5_000 },
};

/** At 100 ms each, 64 slots process 640 images a second. A registry that hangs blocks only its own 64 slots. */
const MAX_PER_HOST = 64;
/** Enough to detect whether a host answers. */
const MAX_PER_UNKNOWN_HOST = 4;
/**
 * Maximum number of inspections at hosts that have never answered. Each costs look-ups of its name and connections that
 * may hang, and tenants choose the names.
 */
const MAX_AT_UNKNOWN_HOSTS = 256;

/** Returns the pools in which an inspection needs a slot. Each class has its own slots per host. */
export function slotsFor(priority: InspectionClass, host: string, isKnown: boolean): readonly PoolSize[] {
  const name = `${priority} ${host}`;
  if (isKnown) return [{ name, size: MAX_PER_HOST }];
  return [
    { name: 'unknown hosts', size: MAX_AT_UNKNOWN_HOSTS, isShared: true },
    { name, size: MAX_PER_UNKNOWN_HOST },
  ];
}
