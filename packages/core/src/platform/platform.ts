/**
 * The platforms that images declare and the architectures that nodes have.
 *
 * The names are those of Go (`go tool dist list`), because image indexes, config blobs and the label
 * `kubernetes.io/arch` all use them. Other names are not architectures, and a manifest with such a name declares no
 * usable platform.
 */
export const ARCHITECTURES = [
  '386',
  'amd64',
  'arm',
  'arm64',
  'loong64',
  'mips',
  'mips64',
  'mips64le',
  'mipsle',
  'ppc64',
  'ppc64le',
  'riscv64',
  's390x',
  'wasm',
] as const;

/** A GOARCH value. The architecture of a node is the value of its label `kubernetes.io/arch`. */
export type Architecture = (typeof ARCHITECTURES)[number];

/** A platform that an image declares: `os/architecture[/variant]`, as in an image index or a config blob. */
export interface Platform {
  /** GOOS in lower case, such as `linux` or `windows`. */
  readonly os: string;
  readonly architecture: Architecture;
  /**
   * CPU variant such as `v7` (arm), `v8` (arm64) or `v3` (amd64). Nodes do not report the variant of their CPU, so a
   * variant of amd64 above `v1` is a weak offer.
   */
  readonly variant?: string;
}

const known: ReadonlySet<string> = new Set(ARCHITECTURES);

/** Whether `name` is in {@link ARCHITECTURES}. */
export function isArchitecture(name: string): name is Architecture {
  return known.has(name);
}
