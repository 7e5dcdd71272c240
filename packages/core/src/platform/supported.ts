import type { Architecture, Platform } from './platform.ts';
import { ARCHITECTURES, isArchitecture } from './platform.ts';

/**
 * An architecture that a node can have. Not `wasm`: a node that runs it is amd64 or arm64. Not `386`: kubelets are not
 * built for it, and containerd on amd64 runs its images.
 */
export type NodeArchitecture = Exclude<Architecture, 'wasm' | '386'>;

/** Whether a node can have this architecture. */
export function isNodeArchitecture(name: string): name is NodeArchitecture {
  return isArchitecture(name) && name !== 'wasm' && name !== '386';
}

/** Every architecture that a node can have, in alphabetical order. */
export const NODE_ARCHITECTURES: readonly NodeArchitecture[] = ARCHITECTURES.filter(isNodeArchitecture);

/** The node architectures that can run an image. */
export type Support =
  /** The image constrains nothing: it declares no platforms, or only `wasm`. */
  | { readonly kind: 'any' }
  | {
      readonly kind: 'some';
      /** All nodes of these architectures can run the image. Sorted. */
      readonly architectures: readonly NodeArchitecture[];
      /** Only some nodes of these architectures can run the image, and it is not known which. Sorted. */
      readonly weak: readonly NodeArchitecture[];
    };

/** An OS and architecture for which the index lists manifests, but the registry has none of them (I9). */
export interface MissingPlatform {
  readonly os: string;
  readonly architecture: NodeArchitecture;
  /** When the registry returned "not found" for them, epoch milliseconds. */
  readonly sinceMs: number;
}

/** The platforms that an image declares. */
export interface DeclaredPlatforms {
  readonly platforms: readonly Platform[];
  /** An artifact without platforms. */
  readonly neutral: boolean;
  /** Absent: no platform is missing in the registry. */
  readonly missing?: readonly MissingPlatform[];
}

const ANY: Support = { kind: 'any' };

/**
 * Maps the declared platforms to the architectures of nodes, as runtimes match them (PL4): amd64 runs amd64 and 386;
 * arm64 runs arm64; `wasm` constrains nothing. Placement and remediation both use this mapping.
 *
 * Three kinds of platform are offered weakly:
 *
 * - amd64 with a variant above v1: most containerd releases do not match it on any node.
 * - 32-bit arm on arm64: runtimes try to run it, but not every CPU can.
 * - a platform whose manifests the registry no longer has: only nodes that have pulled them before can run it.
 *
 * @param os the pod's OS; platforms of another OS do not count
 */
export function supportedArchitectures({ platforms, neutral, missing = [] }: DeclaredPlatforms, os: string): Support {
  if (neutral) return ANY;
  const native = platforms.filter(isNative);
  if (native.length === 0 && platforms.length > 0) return ANY;
  const architectures = new Set<NodeArchitecture>();
  const weak = new Set<NodeArchitecture>();
  for (const platform of native) {
    if (platform.os !== os) continue;
    (isWeakVariant(platform) ? weak : architectures).add(nodeArchitecture(platform.architecture));
    if (platform.architecture === 'arm') weak.add('arm64');
  }
  for (const one of missing) {
    if (one.os === os && architectures.delete(one.architecture)) weak.add(one.architecture);
  }
  const onlyWeak = [...weak].filter((architecture) => !architectures.has(architecture));
  return { kind: 'some', architectures: [...architectures].sort(), weak: onlyWeak.sort() };
}

/** How well an image suits a node: `weak` means that the node may or may not run it. */
export type Offer = 'plain' | 'weak' | 'none';

/**
 * Returns the offer of an image to a node of this OS and architecture.
 *
 * @param node as in `status.nodeInfo`
 */
export function offerTo(image: DeclaredPlatforms, node: { readonly os: string; readonly architecture: string }): Offer {
  const support = supportedArchitectures(image, node.os);
  const isNodes = (architecture: NodeArchitecture): boolean => architecture === node.architecture;
  if (support.kind === 'any' || support.architectures.some(isNodes)) return 'plain';
  return support.weak.some(isNodes) ? 'weak' : 'none';
}

/** Returns those of the missing platforms that have this node's OS and architecture. */
export function missingOn(
  missing: readonly MissingPlatform[] | undefined,
  node: { readonly os: string; readonly architecture: string },
): readonly MissingPlatform[] {
  return (missing ?? []).filter(({ os, architecture }) => os === node.os && architecture === node.architecture);
}

/** Whether a node of this OS and architecture can run the image. A weak offer counts. */
export function runsOn(...args: Parameters<typeof offerTo>): boolean {
  return offerTo(...args) !== 'none';
}

/** x86-64 levels above the first: https://en.wikipedia.org/wiki/X86-64#Microarchitecture_levels */
function isWeakVariant({ architecture, variant = 'v1' }: NativePlatform): boolean {
  return architecture === 'amd64' && variant !== 'v1';
}

type NativePlatform = Platform & { readonly architecture: Exclude<Architecture, 'wasm'> };

function isNative(platform: Platform): platform is NativePlatform {
  return platform.architecture !== 'wasm';
}

function nodeArchitecture(architecture: NativePlatform['architecture']): NodeArchitecture {
  return architecture === '386' ? 'amd64' : architecture;
}
