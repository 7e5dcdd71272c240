import type { Platform } from './platform.ts';
import { isArchitecture } from './platform.ts';

export type ParsedPlatform =
  | { readonly kind: 'platform'; readonly platform: Platform }
  /** Well formed, but the name is no GOARCH value, so it matches no node. */
  | { readonly kind: 'unknown-architecture'; readonly name: string }
  | { readonly kind: 'malformed' };

/** `os/architecture[/variant]`, with the character set of the OCI image specification's platform fields. */
const PLATFORM = /^([a-z0-9]+)\/([a-z0-9_]+)(?:\/([a-z0-9._]+))?$/;
/** Above the length of every platform; longer input is rejected. */
const MAX_PLATFORM_LENGTH = 64;

/** Parses `os/architecture[/variant]`, such as `linux/arm64/v8`. Names are those of Go; aliases are not accepted. */
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
