import type { Architecture, Platform } from './platform.ts';
import { ARCHITECTURES, isArchitecture } from './platform.ts';

/**
 * An architecture that a node can have. `wasm` is none: a node that runs it is still amd64 or arm64. Nor is `386`:
 * kubelets are not built for it, and containerd on amd64 runs its images.
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
  /** Sorted. Empty: no node of this OS can run it. */
  | { readonly kind: 'some'; readonly architectures: readonly NodeArchitecture[] };

/** What is known of an image, as far as it says where the image runs. */
export interface DeclaredPlatforms {
  readonly platforms: readonly Platform[];
  /** An artifact without platforms. */
  readonly neutral: boolean;
}

const ANY: Support = { kind: 'any' };

/**
 * Maps what an image declares to the architectures of nodes, as runtimes match them (PL4): amd64 runs amd64 of any
 * variant and 386; arm64 runs arm64; 32-bit arm counts for arm, and for arm64 only where the image offers nothing else;
 * `wasm` constrains nothing. The mapping serves placement and "misplaced" alike.
 *
 * @param os the pod's OS: platforms of another are no offer to it
 */
export function supportedArchitectures({ platforms, neutral }: DeclaredPlatforms, os: string): Support {
  if (neutral) return ANY;
  const native = platforms.filter(isNative);
  if (native.length === 0 && platforms.length > 0) return ANY;
  const architectures = new Set<NodeArchitecture>();
  for (const platform of native) if (platform.os === os) architectures.add(nodeArchitecture(platform.architecture));
  // Runtimes on arm64 try 32-bit arm; not every CPU can, so a better offer is preferred to it.
  if (architectures.size === 1 && architectures.has('arm')) architectures.add('arm64');
  return { kind: 'some', architectures: [...architectures].sort() };
}

/**
 * Whether a node of this OS and architecture can run the image.
 *
 * @param node as in `status.nodeInfo`
 */
export function runsOn(
  image: DeclaredPlatforms,
  node: { readonly os: string; readonly architecture: string },
): boolean {
  const support = supportedArchitectures(image, node.os);
  return support.kind === 'any' || support.architectures.some((architecture) => architecture === node.architecture);
}

type NativePlatform = Platform & { readonly architecture: Exclude<Architecture, 'wasm'> };

function isNative(platform: Platform): platform is NativePlatform {
  return platform.architecture !== 'wasm';
}

function nodeArchitecture(architecture: NativePlatform['architecture']): NodeArchitecture {
  return architecture === '386' ? 'amd64' : architecture;
}
