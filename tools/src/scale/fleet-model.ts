import { seeded } from './random.ts';

/** Clusters that share one Redis. */
export interface Fleet {
  readonly clusters: number;
  /** Tags that one cluster uses. */
  readonly tagsPerCluster: number;
  /** Tags that there are: clusters have many in common. */
  readonly distinctTags: number;
  /** Each cluster has credentials of its own at the registries: nothing that one was shown counts for another (K2). */
  readonly ownCredentials: boolean;
}

export interface FleetNeeds {
  readonly connections: number;
  readonly commandsPerSecond: number;
  readonly memoryMib: number;
  /** HEADs a second, over all registries, if each tag is to be looked at as soon as it is due. */
  readonly headsPerSecond: number;
  /** Registries with the default limit over which these must be spread, else tags are served stale. */
  readonly registriesNeeded: number;
}

/** Three webhooks and two operators, each with one connection. */
const PROCESSES = 5;
/** How long a process believes its own memory, and everybody Redis (K3). */
const SOFT_TTL_SECONDS = 600;
/** The tag and its facts; and what comes with a HEAD: a place of the limit, a lock, the answer. */
const COMMANDS_PER_READ = 2;
const COMMANDS_PER_HEAD = 4;
/** 100,000 images of eight platforms take 130 MB; a tag of one credential a quarter of a kilobyte. */
const KB_PER_IMAGE = 1.3;
const KB_PER_TAG = 0.25;
const BACKGROUND_PER_SECOND = 5;
const SEED = 11;
/** Tags are simulated one by one; a sample of this many stands for all. */
const SAMPLE = 500;

/**
 * Simulated: which process finds when that its memory of a tag is too old, and asks Redis; the first one that finds Redis'
 * answer too old as well asks the registry, for all that share it. Popularity of tags falls as 1/rank.
 */
export function fleetNeeds(fleet: Fleet): FleetNeeds {
  const random = seeded(SEED);
  const { clusters, tagsPerCluster, distinctTags, ownCredentials } = fleet;
  const step = Math.max(1, Math.floor(distinctTags / SAMPLE));
  const scale = popularityScale(fleet);
  let reads = 0;
  let heads = 0;
  for (let rank = 1; rank <= distinctTags; rank += step) {
    const users = Math.min(clusters, Math.max(1, Math.round(scale / rank)));
    const asked = Array.from({ length: users * PROCESSES }, () => random() * SOFT_TTL_SECONDS);
    reads += asked.length * step;
    heads += (ownCredentials ? users : refreshes(asked)) * step;
  }
  const tags = ownCredentials ? clusters * tagsPerCluster : distinctTags;
  const headsPerSecond = heads / SOFT_TTL_SECONDS;
  return {
    connections: clusters * PROCESSES,
    commandsPerSecond: (reads * COMMANDS_PER_READ) / SOFT_TTL_SECONDS + headsPerSecond * COMMANDS_PER_HEAD,
    memoryMib: (distinctTags * KB_PER_IMAGE + tags * KB_PER_TAG) / 1_024,
    headsPerSecond,
    registriesNeeded: Math.ceil(headsPerSecond / BACKGROUND_PER_SECOND),
  };
}

/** So that all clusters together use `tagsPerCluster` tags each: by halving the interval in which it must lie. */
function popularityScale({ clusters, tagsPerCluster, distinctTags }: Fleet): number {
  const wanted = clusters * tagsPerCluster;
  let [low, high] = [1, clusters * distinctTags];
  while (high - low > 1) {
    const middle = (low + high) / 2;
    let uses = 0;
    for (let rank = 1; rank <= distinctTags; rank += 1) uses += Math.min(clusters, Math.max(1, middle / rank));
    if (uses < wanted) low = middle;
    else high = middle;
  }
  return high;
}

/** How many of these moments, over and over, find the answer of the one before too old. */
function refreshes(moments: readonly number[]): number {
  const sorted = [...moments].sort((a, b) => a - b);
  let count = 0;
  let believedUntil = -Infinity;
  // Two rounds: the first only says how the second begins.
  for (const round of [0, 1]) {
    for (const moment of sorted) {
      const at = moment + round * SOFT_TTL_SECONDS;
      if (at < believedUntil) continue;
      believedUntil = at + SOFT_TTL_SECONDS;
      if (round === 1) count += 1;
    }
  }
  return count;
}
