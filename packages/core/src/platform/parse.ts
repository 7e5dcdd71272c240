import type { Platform } from './platform.ts';
import { isArchitecture } from './platform.ts';

export type ParsedPlatform =
  | { readonly kind: 'platform'; readonly platform: Platform }
  /** Well formed, but the architecture is not a GOARCH value. */
  | { readonly kind: 'unknown-architecture'; readonly name: string }
  | { readonly kind: 'malformed' };

/** `os/architecture[/variant]`, with the character set of the OCI image specification's platform fields. */
const PLATFORM = /^([a-z0-9]+)\/([a-z0-9_]+)(?:\/([a-z0-9._]+))?$/;
/** Longer than any valid platform; longer input is rejected. */
const MAX_PLATFORM_LENGTH = 64;

/** Parses `os/architecture[/variant]`, such as `linux/arm64/v8`. Uses Go's names, without aliases. */
export function parsePlatform(text: string): ParsedPlatform {
  if (text.length > MAX_PLATFORM_LENGTH) return { kind: 'malformed' };
  const [, os, architecture, variant] = PLATFORM.exec(text) ?? [];
  if (os === undefined || architecture === undefined) return { kind: 'malformed' };
  if (!isArchitecture(architecture)) return { kind: 'unknown-architecture', name: architecture };
  return { kind: 'platform', platform: { os, architecture, ...(variant !== undefined && { variant }) } };
}

/** The inverse of {@link parsePlatform}. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return variant === undefined ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}
