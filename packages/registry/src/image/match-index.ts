import { withoutPort } from '../hosts/host-pattern.ts';
import { matchesPath } from './match-pattern.ts';
import type { ImageName, ParsedMatchPattern } from './match-pattern.ts';
import { matchesLabel } from './label-glob.ts';
import type { LabelGlob } from './label-glob.ts';

/** A value and the images that it is meant for. */
export interface MatchEntry<T> {
  readonly pattern: ParsedMatchPattern;
  readonly value: T;
}

/** The entries of one host, or of one host with wildcards, in their order. */
interface HostGroup<T> {
  readonly globs: readonly LabelGlob[] | undefined;
  readonly port: string;
  readonly entries: GroupedEntry<T>[];
}

interface GroupedEntry<T> extends MatchEntry<T> {
  readonly group: HostGroup<T>;
}

/** The groups that match a host, and the comparisons that it took to find them. */
interface HostMatch<T> {
  readonly groups: ReadonlySet<HostGroup<T>>;
  readonly comparisons: number;
}

/** Distinct hosts with wildcards: each is compared with each host of a pod's images. A usual secret has one or two. */
export const MAX_WILDCARD_HOSTS = 64;
/** Groups that are remembered, over all hosts. A pod's images come from a few hosts, and each host matches a group or two. */
const MAX_CACHED_GROUPS = 1_024;

/** Docker Hub's credentials are kept under the address of its first API. */
const DOCKER_HUB = 'docker.io';
const DOCKER_HUB_KEY = 'index.docker.io';

/**
 * Finds the entries that are meant for an image. Hosts without wildcards are found by name; hosts with wildcards are
 * compared once for each host of images, paths once for each image.
 */
export class MatchIndex<T> {
  /** Longer keys first, in the order of the entries otherwise. */
  readonly #entries: readonly GroupedEntry<T>[];
  readonly #groups = new Map<string, HostGroup<T>>();
  readonly #wildcards: readonly HostGroup<T>[];
  readonly #hostMatches = new Map<string, HostMatch<T>['groups']>();
  readonly #onCompared: (comparisons: number) => void;
  #cachedGroups = 0;
  /** Entries that are not used, because other entries have as many hosts with wildcards as are compared. */
  readonly unused: number;

  /** @param onCompared called with the comparisons (of a label or a path) of each search */
  constructor(entries: readonly MatchEntry<T>[], onCompared: (comparisons: number) => void = () => undefined) {
    this.#onCompared = onCompared;
    const used = withinBounds(entries);
    this.unused = entries.length - used.length;
    this.#entries = used.toSorted((a, b) => compareText(b.pattern.key, a.pattern.key)).map((entry) => this.#add(entry));
    this.#wildcards = [...this.#groups.values()].filter(({ globs }) => globs !== undefined);
  }

  #add(entry: MatchEntry<T>): GroupedEntry<T> {
    const { host, globs, port } = entry.pattern;
    const group: HostGroup<T> = this.#groups.get(host) ?? { globs, port, entries: [] };
    const grouped = { ...entry, group };
    group.entries.push(grouped);
    this.#groups.set(host, group);
    return grouped;
  }

  /** What is meant for the image, longer keys first, in the order of the entries otherwise. Stop early to compare less. */
  *find({ registry, repository }: ImageName): Generator<T, undefined> {
    const { groups, comparisons } = this.#matchHost(registry);
    let compared = comparisons;
    try {
      for (const { pattern, value } of this.#inOrder(groups)) {
        compared += 1;
        if (matchesPath(pattern, repository)) yield value;
      }
    } finally {
      if (compared > 0) this.#onCompared(compared);
    }
  }

  /** Whether anything is meant for the image. */
  matches(imageName: ImageName): boolean {
    const found = this.find(imageName);
    const isFound = found.next().done !== true;
    found.return(undefined);
    return isFound;
  }

  #inOrder(groups: HostMatch<T>['groups']): readonly GroupedEntry<T>[] {
    const [only] = groups;
    if (only === undefined) return [];
    return groups.size === 1 ? only.entries : this.#entries.filter(({ group }) => groups.has(group));
  }

  #matchHost(registry: string): HostMatch<T> {
    const cached = this.#hostMatches.get(registry);
    if (cached !== undefined) return { groups: cached, comparisons: 0 };
    const groups = new Set<HostGroup<T>>();
    let comparisons = 0;
    for (const host of registry === DOCKER_HUB ? [DOCKER_HUB, DOCKER_HUB_KEY] : [registry]) {
      const exact = this.#groups.get(host);
      if (exact !== undefined) groups.add(exact);
      comparisons += this.#matchWildcards(host, groups);
    }
    this.#cacheMatch(registry, groups);
    return { groups, comparisons };
  }

  /** Adds the groups that match, and returns the number of comparisons. */
  #matchWildcards(host: string, matching: Set<HostGroup<T>>): number {
    if (this.#wildcards.length === 0) return 0;
    const name = withoutPort(host);
    const port = host.slice(name.length + 1);
    const labels = name.split('.');
    let comparisons = 0;
    for (const group of this.#wildcards) {
      if (group.port !== port || group.globs?.length !== labels.length) continue;
      const equal = matchingLabels(group.globs, labels);
      comparisons += Math.min(equal + 1, labels.length);
      if (equal === labels.length) matching.add(group);
    }
    return comparisons;
  }

  #cacheMatch(registry: string, groups: HostMatch<T>['groups']): void {
    this.#cachedGroups += groups.size + 1;
    if (this.#cachedGroups > MAX_CACHED_GROUPS) {
      this.#hostMatches.clear();
      this.#cachedGroups = groups.size + 1;
    }
    this.#hostMatches.set(registry, groups);
  }
}

/** How many labels their globs match, up to the first that does not match. */
function matchingLabels(globs: readonly LabelGlob[], labels: readonly string[]): number {
  let at = 0;
  for (const glob of globs) {
    if (!matchesLabel(glob, labels[at] ?? '')) return at;
    at += 1;
  }
  return at;
}

/** The entries without those of further hosts with wildcards than are compared. */
function withinBounds<T>(entries: readonly MatchEntry<T>[]): readonly MatchEntry<T>[] {
  const hosts = new Set<string>();
  return entries.filter(({ pattern: { globs, host } }) => {
    if (globs === undefined || hosts.has(host)) return true;
    if (hosts.size === MAX_WILDCARD_HOSTS) return false;
    hosts.add(host);
    return true;
  });
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
