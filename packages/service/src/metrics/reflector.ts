import { enumCounter, observedEnumGauge } from './enum-metrics.ts';
import type { Registry } from './enum-metrics.ts';

/** The watched resources. */
const RESOURCES = ['archpolicies', 'namespaces', 'nodes', 'pods', 'cronjobs'] as const;
type Watched = (typeof RESOURCES)[number];
const FAILURES = [
  'list-failed',
  'list-expired',
  'list-throttled',
  'list-absent',
  'watch-failed',
  'watch-expired',
  'watch-throttled',
  'watch-too-short',
] as const;

const MS_PER_SECOND = 1_000;

/** The callbacks with which a reflector counts. */
export interface ReflectorCounts {
  readonly listStarted: () => void;
  readonly watchStarted: () => void;
  readonly failed: (failure: (typeof FAILURES)[number]) => void;
}

/** What is in memory of one resource. It is read at each scrape. */
export interface WatchedState {
  /** Number of objects. */
  readonly objects: number;
  /** The time (monotonic milliseconds) of the last event, bookmark or LIST; undefined before the first LIST. */
  readonly updatedAtMs: number | undefined;
}

/** Declares the metrics of reflectors. Returns a function that returns the callbacks for one resource. */
export function declareReflectorMetrics(
  registry: Registry,
  clock: { monotonic(): number },
): (resource: Watched, state: WatchedState) => ReflectorCounts {
  const states = new Map<Watched, WatchedState>();
  observeStates(registry, states, clock);
  const counts = declareCounts(registry);
  return (resource, state) => {
    states.set(resource, state);
    return counts(resource);
  };
}

function observeStates(
  registry: Registry,
  states: ReadonlyMap<Watched, WatchedState>,
  clock: { monotonic(): number },
): void {
  const startedAtMs = clock.monotonic();
  observedEnumGauge({
    registry,
    name: 'archpolicy_reflector_age_seconds',
    help: 'Time since the last event, bookmark or LIST of a resource, or since the start if there was none.',
    labels: { resource: RESOURCES },
    read: () =>
      [...states].map(([resource, { updatedAtMs = startedAtMs }]) => [
        { resource },
        (clock.monotonic() - updatedAtMs) / MS_PER_SECOND,
      ]),
  });
  observedEnumGauge({
    registry,
    name: 'archpolicy_reflector_objects',
    help: 'Objects in memory, by resource.',
    labels: { resource: RESOURCES },
    read: () => [...states].map(([resource, { objects }]) => [{ resource }, objects]),
  });
}

function declareCounts(registry: Registry): (resource: Watched) => ReflectorCounts {
  const lists = enumCounter({
    registry,
    name: 'archpolicy_reflector_lists_total',
    help: 'LISTs that were started, by resource.',
    labels: { resource: RESOURCES },
  });
  const watches = enumCounter({
    registry,
    name: 'archpolicy_reflector_watches_total',
    help: 'Watches that were started, by resource. A watch is restarted every five to ten minutes, and after failures.',
    labels: { resource: RESOURCES },
  });
  const failures = enumCounter({
    registry,
    name: 'archpolicy_reflector_failures_total',
    help: 'LISTs and watches that failed or ended early, by resource and kind.',
    labels: { resource: RESOURCES, failure: FAILURES },
  });
  return (resource) => ({
    listStarted: () => {
      lists.inc({ resource });
    },
    watchStarted: () => {
      watches.inc({ resource });
    },
    failed: (failure) => {
      failures.inc({ resource, failure });
    },
  });
}
