import type { Json } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import { isArchitecture } from '../platform/platform.ts';
import type { Architecture, Platform } from '../platform/platform.ts';

/**
 * What a descriptor's `platform` or a config blob says of the platform. Both use the same fields:
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md and `config.md` beside it.
 *
 * @example {"architecture":"arm","os":"linux","variant":"v7"}
 */
export type DeclaredPlatform =
  | { readonly kind: 'platform'; readonly platform: Platform }
  /** Operating system or architecture is missing: nothing is declared. */
  | { readonly kind: 'undeclared' }
  /** Declared, in words that are no platform (`unknown`, a name that is no GOARCH). */
  | { readonly kind: 'unknown' };

/** Every GOOS and variant is shorter; what is not made of these letters is no name of a platform. */
const NAME = /^[a-z0-9][a-z0-9.-]{0,31}$/;

/**
 * Names of `uname -m` and of Debian that some builders write, and the name and variant that containerd reads them as:
 * https://github.com/containerd/platforms/blob/v1.0.0/database.go (normalizeArch)
 */
const UNAME_NAMES: ReadonlyMap<string, readonly [Architecture, string?]> = new Map([
  ['i386', ['386']],
  ['x86_64', ['amd64']],
  ['x86-64', ['amd64']],
  ['aarch64', ['arm64']],
  ['armhf', ['arm', 'v7']],
  ['armel', ['arm', 'v6']],
]);

/** Reads `os`, `architecture` and `variant`. Case is ignored, and other names of an architecture are read, as runtimes do when they match. */
export function parseDeclaredPlatform(value: Json | undefined): DeclaredPlatform {
  if (!isJsonObject(value)) return { kind: 'undeclared' };
  const os = name(value['os']);
  const declared = name(value['architecture']);
  if (os === undefined || declared === undefined) return { kind: 'undeclared' };
  const [architecture, ofName] = UNAME_NAMES.get(declared) ?? [declared];
  if (os === 'unknown' || !NAME.test(os) || !isArchitecture(architecture)) return { kind: 'unknown' };
  const variant = ofName ?? name(value['variant']);
  // A variant decides little, so one that cannot be kept safely is no reason to lose the platform.
  const kept = variant !== undefined && NAME.test(variant) ? { variant } : {};
  return { kind: 'platform', platform: { os, architecture, ...kept } };
}

function name(value: Json | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value.toLowerCase() : undefined;
}
