/**
 * Orders items so that namespaces alternate: the first item of each namespace, then the second of each, and so on. Namespaces are
 * sorted by name, and the items of a namespace keep their order. So a list that is cut has a share for each namespace.
 */
export function inFairOrder<T>(items: readonly T[], getNamespace: (item: T) => string): readonly T[] {
  const ranks = new Map<string, number>();
  const ranked = items.map((item) => {
    const namespace = getNamespace(item);
    const rank = ranks.get(namespace) ?? 0;
    ranks.set(namespace, rank + 1);
    return { item, namespace, rank };
  });
  ranked.sort((one, other) => one.rank - other.rank || compareText(one.namespace, other.namespace));
  return ranked.map(({ item }) => item);
}

/** Compares texts by their UTF-16 units, which does not depend on a locale. */
export function compareText(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
