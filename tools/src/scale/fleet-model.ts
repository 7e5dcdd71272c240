import { seededRandom } from '@archpolicy/testkit/seeded-random';

/** Clusters that share one Redis. */
export interface Fleet {
  readonly clusters: number;
  /** Number of tags that one cluster uses. */
  readonly tagsPerCluster: number;
  /** Number of distinct tags in all clusters. Many tags are used by several clusters. */
  readonly distinctTags: number;
  /** Whether each cluster has its own registry credentials. If so, clusters do not share cache entries (K2). */
  readonly ownCredentials: boolean;
}

export interface FleetNeeds {
  readonly connections: number;
  readonly commandsPerSecond: number;
  readonly memoryMib: number;
  /** HEAD requests per second to all registries, if each tag is revalidated as soon as it is stale. */
  readonly headsPerSecond: number;
  /**
   * The number of registries over which these HEADs must be spread to stay within the default limit per registry. With
   * fewer registries, tags are served stale.
   */
  readonly registriesNeeded: number;
}

/** Number of processes of a cluster: three webhooks and two operators, each with one connection to Redis. */
const PROCESSES = 5;
/** The soft TTL of a tag, in the memory of a process and in Redis (K3). */
const SOFT_TTL_SECONDS = 600;
/**
 * Redis commands of a read (the tag and its facts), and the further commands of a HEAD (a rate-limit token, a lock, the
 * result).
 */
const COMMANDS_PER_READ = 2;
const COMMANDS_PER_HEAD = 4;
/**
 * Memory in Redis: 100,000 images with eight platforms take 130 MB, and a tag takes a quarter of a kilobyte per
 * credential.
 */
const KB_PER_IMAGE = 1.3;
const KB_PER_TAG = 0.25;
const BACKGROUND_PER_SECOND = 5;
const SEED = 11;
/** Number of tags that are simulated. They represent all tags. */
const SAMPLE = 500;

/**
 * Simulates the moments at which a process finds a cached tag stale and reads Redis. The first process that finds the
 * entry in Redis stale, too, sends a HEAD to the registry for all processes that share the entry. The popularity of a
 * tag is proportional to 1/rank.
 */
export function fleetNeeds(fleet: Fleet): FleetNeeds {
  const random = seededRandom(SEED);
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

/** Finds by bisection the scale of the popularity at which each cluster uses `tagsPerCluster` tags. */
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

/** Counts the reads that find the entry stale, if the reads at these moments are repeated in every period. */
function refreshes(moments: readonly number[]): number {
  const sorted = [...moments].sort((a, b) => a - b);
  let count = 0;
  let freshUntil = -Infinity;
  // The first round only determines the state at the start of the second round.
  for (const round of [0, 1]) {
    for (const moment of sorted) {
      const at = moment + round * SOFT_TTL_SECONDS;
      if (at < freshUntil) continue;
      freshUntil = at + SOFT_TTL_SECONDS;
      if (round === 1) count += 1;
    }
  }
  return count;
}
