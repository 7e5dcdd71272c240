import type { Architecture, Platform } from './platform.ts';
import { ARCHITECTURES, isArchitecture } from './platform.ts';

/**
 * An architecture that a node can have. `wasm` is excluded, because a node that runs it is amd64 or arm64. `386` is
 * excluded, because there are no kubelets for it, and containerd on amd64 runs its images.
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
  /** Nodes of any architecture can run the image, because it declares no platforms, or only `wasm`. */
  | { readonly kind: 'any' }
  | {
      readonly kind: 'some';
      /** All nodes of these architectures can run the image. Sorted. */
      readonly architectures: readonly NodeArchitecture[];
      /** Only some nodes of these architectures can run the image, and which ones is unknown. Sorted. */
      readonly weak: readonly NodeArchitecture[];
    };

/** An OS and architecture for which an index lists manifests that the registry no longer has (I9). */
export interface MissingPlatform {
  readonly os: string;
  readonly architecture: NodeArchitecture;
  /** The time at which the registry returned "not found" for the manifests, in epoch milliseconds. */
  readonly sinceMs: number;
}

/** The platforms that an image declares. */
export interface DeclaredPlatforms {
  readonly platforms: readonly Platform[];
  /** Whether the image is an artifact without platforms. */
  readonly neutral: boolean;
  /** The platforms that the registry no longer has. Absent if there are none. */
  readonly missing?: readonly MissingPlatform[];
}

const ANY: Support = { kind: 'any' };

/**
 * Returns the architectures of nodes that can run an image with these platforms, as runtimes match them (PL4). amd64
 * nodes run amd64 and 386, and arm64 nodes run arm64. A platform `wasm` constrains nothing. Placement and remediation
 * both use this mapping.
 *
 * Three kinds of platform are offered weakly:
 *
 * - amd64 with a variant above v1: most containerd releases do not match it on any node.
 * - 32-bit arm on arm64: runtimes accept the image, but not every CPU can run it.
 * - a platform whose manifests the registry no longer has: only nodes that have already pulled the image can run it.
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

/** Whether an image runs on a node. With a `weak` offer it is unknown whether the node can run the image. */
export type Offer = 'plain' | 'weak' | 'none';

/**
 * Returns the offer of an image to a node of this OS and architecture.
 *
 * @param node OS and architecture from the node's `status.nodeInfo`
 */
export function offerTo(image: DeclaredPlatforms, node: { readonly os: string; readonly architecture: string }): Offer {
  const support = supportedArchitectures(image, node.os);
  const isNodes = (architecture: NodeArchitecture): boolean => architecture === node.architecture;
  if (support.kind === 'any' || support.architectures.some(isNodes)) return 'plain';
  return support.weak.some(isNodes) ? 'weak' : 'none';
}

/** Returns the missing platforms that have this node's OS and architecture. */
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

/**
 * Whether the platform requires an x86-64 level above the first one:
 * https://en.wikipedia.org/wiki/X86-64#Microarchitecture_levels
 */
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
