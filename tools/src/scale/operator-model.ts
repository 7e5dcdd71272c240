import { seededRandom } from '@archpolicy/testkit/seeded-random';

/** The sizes of a cluster that affect the operator. */
export interface ClusterSize {
  readonly nodes: number;
  readonly pods: number;
  readonly distinctImages: number;
}

/** Measured at 100,000 pods by `make bench-operator` and the test of P8, rounded up. */
const BASE_MIB = 160;
const MIB_PER_1000_PODS = 1.5;
/** The time to split an item from a list, parse, intern and store it: 0.2 ms on an idle core, more on a busy one. */
const LIST_MS_PER_POD = 0.2;
/** The time to parse an event with its managed fields, and to evaluate it once in every controller. */
const EVENT_MS = 0.6;
/** A kubelet writes its node's status at least every 5 minutes. */
const NODE_STATUS_SECONDS = 300;
const POD_KB = 14;
/** The rate of background inspections per registry (no limit configured). */
const BACKGROUND_PER_SECOND = 5;
/** The default limit of a policy. */
const EVICTIONS_PER_MINUTE = 60;

/** The resources and times that the operator of such a cluster needs. */
export interface OperatorNeeds {
  readonly memoryMib: number;
  readonly listSeconds: number;
  readonly listMegabytes: number;
  /** The time to inspect every image once, if all images are in one registry and no image is cached. */
  readonly firstReadMinutes: number;
  /** The time to evict all misplaced pods at the default rate, if 1 % of the pods are misplaced. */
  readonly evictOnePercentMinutes: number;
}

/** Extrapolates linearly from measurements. */
export function operatorNeeds({ pods, distinctImages }: ClusterSize): OperatorNeeds {
  return {
    memoryMib: BASE_MIB + (pods / 1_000) * MIB_PER_1000_PODS,
    listSeconds: (pods * LIST_MS_PER_POD) / 1_000,
    listMegabytes: (pods * POD_KB) / 1_000,
    firstReadMinutes: distinctImages / BACKGROUND_PER_SECOND / 60,
    evictOnePercentMinutes: pods / 100 / EVICTIONS_PER_MINUTE,
  };
}

export interface EventLoad {
  /** Pod events per second, on average. */
  readonly perSecond: number;
  readonly busyPercent: number;
  /** How long an event waits until it is processed: 99th percentile and maximum. */
  readonly p99Ms: number;
  readonly maxMs: number;
}

const SIMULATED_SECONDS = 120;
const SEED = 7;

/**
 * Simulates one thread that processes pod events and node statuses for two minutes. Both arrive at random moments, each
 * at its own rate.
 */
export function eventLoad({ nodes }: ClusterSize, podEventsPerSecond: number): EventLoad {
  const random = seededRandom(SEED);
  const rate = podEventsPerSecond + nodes / NODE_STATUS_SECONDS;
  const waits: number[] = [];
  let now = 0;
  let freeAt = 0;
  while (now < SIMULATED_SECONDS * 1_000) {
    now += (-Math.log(1 - random()) / rate) * 1_000;
    // Each event takes between 0.5 and 1.5 times the average, because events differ in size.
    const begin = Math.max(now, freeAt);
    freeAt = begin + EVENT_MS * (0.5 + random());
    waits.push(begin - now);
  }
  waits.sort((a, b) => a - b);
  return {
    perSecond: podEventsPerSecond,
    busyPercent: (rate * EVENT_MS) / 10,
    p99Ms: waits[Math.floor(waits.length * 0.99)] ?? 0,
    maxMs: waits.at(-1) ?? 0,
  };
}
