import type { Platform } from '../platform/platform.ts';
import { isArchitecture } from '../platform/platform.ts';
import type { ImageReference } from '../reference/reference.ts';
import type { ArchPolicySpec } from './arch-policy.ts';
import { withoutUndefined } from '../without-undefined.ts';

type NamedImage = Pick<ImageReference, 'registry' | 'repository' | 'tag' | 'digest'>;

/**
 * Returns the platforms that `spec.images` sets for an image; undefined if no entry matches, so that the image must be
 * inspected. The first matching entry applies. The pattern of an entry is compared with `registry/repository`, and also
 * with this text followed by the tag or the digest.
 */
export function overriddenPlatforms(
  images: ArchPolicySpec['images'],
  image: NamedImage,
): readonly Platform[] | undefined {
  const name = `${image.registry}/${image.repository}`;
  const names = [
    name,
    ...(image.tag === undefined ? [] : [`${name}:${image.tag}`]),
    ...(image.digest === undefined ? [] : [`${name}@${image.digest}`]),
  ];
  const entry = images.find(({ match }) => names.some((candidate) => matchesGlob(match, candidate)));
  return entry?.platforms.flatMap(toPlatform);
}

/** Parses a platform. Returns an empty list if it is not valid, although the schema should have rejected it. */
function toPlatform(text: string): Platform[] {
  const [os = '', architecture = '', variant] = text.split('/');
  if (!isArchitecture(architecture)) return [];
  return [withoutUndefined({ os, architecture, variant })];
}

/**
 * Returns whether `text` matches a pattern in which `*` matches any characters. Tenants choose the text, and each image
 * of a pod is compared with up to 128 patterns. So the search must be fast: each part between two stars is searched
 * only once, from the end of the previous part.
 */
function matchesGlob(pattern: string, text: string): boolean {
  const first = pattern.indexOf('*');
  if (first < 0) return text === pattern;
  const last = pattern.lastIndexOf('*');
  const tail = pattern.slice(last + 1);
  if (text.length < first + tail.length || !text.startsWith(pattern.slice(0, first)) || !text.endsWith(tail))
    return false;
  const end = text.length - tail.length;
  let from = first;
  for (let star = first; star < last;) {
    const next = pattern.indexOf('*', star + 1);
    const part = pattern.slice(star + 1, next);
    const found = text.indexOf(part, from);
    if (found < 0 || found + part.length > end) return false;
    from = found + part.length;
    star = next;
  }
  return true;
}
