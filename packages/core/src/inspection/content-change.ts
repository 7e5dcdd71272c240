import { supportedArchitectures } from '../platform/supported.ts';
import type { DeclaredPlatforms, NodeArchitecture } from '../platform/supported.ts';

/** The difference between two contents of a tag; each list is sorted. */
export interface ContentChange {
  readonly lost: readonly NodeArchitecture[];
  readonly gained: readonly NodeArchitecture[];
}

/**
 * Compares two contents of one tag, for each OS of their platforms. If one of the contents runs on any architecture,
 * nothing is lost or gained.
 */
export function compareContents(before: DeclaredPlatforms, after: DeclaredPlatforms): ContentChange {
  const lost = new Set<NodeArchitecture>();
  const gained = new Set<NodeArchitecture>();
  for (const os of new Set([...before.platforms, ...after.platforms].map((platform) => platform.os))) {
    const [was, is] = [
      supportedArchitectures(withoutMissing(before), os),
      supportedArchitectures(withoutMissing(after), os),
    ];
    if (was.kind === 'any' || is.kind === 'any') continue;
    for (const one of was.architectures) if (!is.architectures.includes(one)) lost.add(one);
    for (const one of is.architectures) if (!was.architectures.includes(one)) gained.add(one);
  }
  return { lost: [...lost].sort(), gained: [...gained].sort() };
}

/** Removes the missing platforms (I9), because they depend on the registry and not on the content. */
function withoutMissing({ platforms, neutral }: DeclaredPlatforms): DeclaredPlatforms {
  return { platforms, neutral };
}
