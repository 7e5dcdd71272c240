import { removePort } from '../hosts/host-pattern.ts';
import { matchesPath } from './match-pattern.ts';
import type { ImageName, ParsedMatchPattern } from './match-pattern.ts';
import { matchesLabel } from './label-glob.ts';
import type { LabelGlob } from './label-glob.ts';

/** A value with the images to which it applies. */
export interface MatchEntry<T> {
  readonly pattern: ParsedMatchPattern;
  readonly value: T;
}

/** The entries of one host, in the order of the index. The host may have wildcards. */
interface HostGroup<T> {
  readonly globs: readonly LabelGlob[] | undefined;
  readonly port: string;
  readonly entries: GroupedEntry<T>[];
}

interface GroupedEntry<T> extends MatchEntry<T> {
  readonly group: HostGroup<T>;
}

/** The groups that match a host, and the number of comparisons of the search. */
interface HostMatch<T> {
  readonly groups: ReadonlySet<HostGroup<T>>;
  readonly comparisons: number;
}

/**
 * Maximum number of distinct hosts with wildcards, because each of them is compared with each host of a pod's images. A
 * usual secret has one or two.
 */
export const MAX_WILDCARD_HOSTS = 64;
/**
 * Maximum number of cached groups of all hosts. A pod's images come from a few hosts, and each host matches one or two
 * groups.
 */
const MAX_CACHED_GROUPS = 1_024;

/**
 * The host of Docker Hub in image names, and the key of Docker Hub in docker config files, which is the address of its
 * first API. As in the kubelet, the key counts only if no other entry applies.
 */
const DOCKER_HUB = 'docker.io';
const DOCKER_HUB_KEY = 'index.docker.io';

/**
 * Finds the entries that apply to an image. A host without wildcards is looked up by name. A host with wildcards is
 * compared once with each host of images. A path is compared once with each image.
 */
export class MatchIndex<T> {
  /** Sorted: longer keys first, otherwise in the order of the entries. */
  readonly #entries: readonly GroupedEntry<T>[];
  readonly #groups = new Map<string, HostGroup<T>>();
  readonly #wildcards: readonly HostGroup<T>[];
  readonly #hostMatches = new Map<string, HostMatch<T>['groups']>();
  readonly #onCompared: (comparisons: number) => void;
  #cachedGroups = 0;
  /** The number of entries that were left out because there are too many hosts with wildcards. */
  readonly unused: number;

  /** @param onCompared called with the number of comparisons (of a label or a path) of each search */
  constructor(entries: readonly MatchEntry<T>[], onCompared: (comparisons: number) => void = () => undefined) {
    this.#onCompared = onCompared;
    const used = limitWildcardHosts(entries);
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

  /**
   * Yields the values that apply to the image: first the values with longer keys, otherwise in the order of the
   * entries. A caller that stops early causes fewer comparisons.
   */
  *find(imageName: ImageName): Generator<T, undefined> {
    let isFound = false;
    for (const value of this.#findMatching(imageName)) {
      isFound = true;
      yield value;
    }
    if (isFound || imageName.registry !== DOCKER_HUB) return;
    for (const { pattern, value } of this.#groups.get(DOCKER_HUB_KEY)?.entries ?? []) {
      if (pattern.path === '') yield value;
    }
  }

  *#findMatching({ registry, repository }: ImageName): Generator<T, undefined> {
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

  /** Whether the pattern of an entry matches the image. */
  matches(imageName: ImageName): boolean {
    const values = this.#findMatching(imageName);
    const isMatch = values.next().done !== true;
    values.return(undefined);
    return isMatch;
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
    const exact = this.#groups.get(registry);
    if (exact !== undefined) groups.add(exact);
    const comparisons = this.#matchWildcards(registry, groups);
    this.#cacheMatch(registry, groups);
    return { groups, comparisons };
  }

  /** Adds the groups that match, and returns the number of comparisons. */
  #matchWildcards(host: string, matching: Set<HostGroup<T>>): number {
    if (this.#wildcards.length === 0) return 0;
    const name = removePort(host);
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

/** Counts the labels that match, up to the first label that does not match. */
function matchingLabels(globs: readonly LabelGlob[], labels: readonly string[]): number {
  let at = 0;
  for (const glob of globs) {
    if (!matchesLabel(glob, labels[at] ?? '')) return at;
    at += 1;
  }
  return at;
}

/** Returns the entries of all hosts without wildcards, and of the first `MAX_WILDCARD_HOSTS` hosts with wildcards. */
function limitWildcardHosts<T>(entries: readonly MatchEntry<T>[]): readonly MatchEntry<T>[] {
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
