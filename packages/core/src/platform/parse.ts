import type { Platform } from './platform.ts';
import { isArchitecture } from './platform.ts';

export type ParsedPlatform =
  | { readonly kind: 'platform'; readonly platform: Platform }
  /** The text is well formed, but the architecture is not a GOARCH value, so no node has it. */
  | { readonly kind: 'unknown-architecture'; readonly name: string }
  | { readonly kind: 'malformed' };

/**
 * Matches `os/architecture[/variant]`, with the characters that the OCI image specification allows in platform fields.
 */
const PLATFORM = /^([a-z0-9]+)\/([a-z0-9_]+)(?:\/([a-z0-9._]+))?$/;
/** Maximum length of the input. Every platform is shorter. */
const MAX_PLATFORM_LENGTH = 64;

/**
 * Parses `os/architecture[/variant]`, such as `linux/arm64/v8`. Accepts only the names that Go uses, not aliases such
 * as `x86_64`.
 */
export function parsePlatform(text: string): ParsedPlatform {
  if (text.length > MAX_PLATFORM_LENGTH) return { kind: 'malformed' };
  const [, os, architecture, variant] = PLATFORM.exec(text) ?? [];
  if (os === undefined || architecture === undefined) return { kind: 'malformed' };
  if (!isArchitecture(architecture)) return { kind: 'unknown-architecture', name: architecture };
  return { kind: 'platform', platform: { os, architecture, ...(variant !== undefined && { variant }) } };
}

/** Formats a platform so that {@link parsePlatform} can parse it. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return variant === undefined ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}
