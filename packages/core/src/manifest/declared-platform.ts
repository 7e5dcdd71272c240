import type { Json } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import { isArchitecture } from '../platform/platform.ts';
import type { Architecture, Platform } from '../platform/platform.ts';

/**
 * The platform in the field `platform` of a descriptor, or in a config blob. Both use the same fields:
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md and `config.md` beside it.
 *
 * @example {"architecture":"arm","os":"linux","variant":"v7"}
 */
export type DeclaredPlatform =
  | { readonly kind: 'platform'; readonly platform: Platform }
  /** Operating system or architecture is missing. */
  | { readonly kind: 'undeclared' }
  /** The declared names are not a known platform: the OS is `unknown`, or the architecture is not a GOARCH value. */
  | { readonly kind: 'unknown' };

/**
 * Matches the name of an operating system or variant. Every GOOS value and variant has these characters and is shorter.
 */
const NAME = /^[a-z0-9][a-z0-9.-]{0,31}$/;

/**
 * Other names of architectures (from `uname -m` and Debian) that some builders write, with the architecture and variant
 * to which containerd maps them: https://github.com/containerd/platforms/blob/v1.0.0/database.go (normalizeArch)
 */
const UNAME_NAMES: ReadonlyMap<string, readonly [Architecture, string?]> = new Map([
  ['i386', ['386']],
  ['x86_64', ['amd64']],
  ['x86-64', ['amd64']],
  ['aarch64', ['arm64']],
  ['armhf', ['arm', 'v7']],
  ['armel', ['arm', 'v6']],
]);

/**
 * Parses `os`, `architecture` and `variant`. Case is ignored and aliases of architectures are accepted, as in runtimes.
 */
export function parseDeclaredPlatform(value: Json | undefined): DeclaredPlatform {
  if (!isJsonObject(value)) return { kind: 'undeclared' };
  const os = name(value['os']);
  const declared = name(value['architecture']);
  if (os === undefined || declared === undefined) return { kind: 'undeclared' };
  const [architecture, ofName] = UNAME_NAMES.get(declared) ?? [declared];
  if (os === 'unknown' || !NAME.test(os) || !isArchitecture(architecture)) return { kind: 'unknown' };
  const variant = ofName ?? name(value['variant']);
  // An invalid variant is dropped, because the platform is still useful without it.
  const validVariant = variant !== undefined && NAME.test(variant) ? { variant } : {};
  return { kind: 'platform', platform: { os, architecture, ...validVariant } };
}

function name(value: Json | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value.toLowerCase() : undefined;
}
