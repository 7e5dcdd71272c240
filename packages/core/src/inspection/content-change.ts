import { supportedArchitectures } from '../platform/supported.ts';
import type { DeclaredPlatforms, NodeArchitecture } from '../platform/supported.ts';

/** What the architectures of an image are, compared with what they were; each sorted. */
export interface ContentChange {
  readonly lost: readonly NodeArchitecture[];
  readonly gained: readonly NodeArchitecture[];
}

/**
 * Compares two contents of one tag, for each OS that either speaks of. Where one of them constrains nothing, nothing was
 * said about architectures, and nothing is lost or gained.
 */
export function compareContents(before: DeclaredPlatforms, after: DeclaredPlatforms): ContentChange {
  const lost = new Set<NodeArchitecture>();
  const gained = new Set<NodeArchitecture>();
  for (const os of new Set([...before.platforms, ...after.platforms].map((platform) => platform.os))) {
    const [was, is] = [supportedArchitectures(declaredBy(before), os), supportedArchitectures(declaredBy(after), os)];
    if (was.kind === 'any' || is.kind === 'any') continue;
    for (const one of was.architectures) if (!is.architectures.includes(one)) lost.add(one);
    for (const one of is.architectures) if (!was.architectures.includes(one)) gained.add(one);
  }
  return { lost: [...lost].sort(), gained: [...gained].sort() };
}

/** What its registry lacks for the moment (I9) is no part of a content. */
function declaredBy({ platforms, neutral }: DeclaredPlatforms): DeclaredPlatforms {
  return { platforms, neutral };
}
