import type { Platform } from '../platform/platform.ts';
import { isArchitecture } from '../platform/platform.ts';
import type { ImageReference } from '../reference/reference.ts';
import type { ArchPolicySpec } from './arch-policy.ts';

type NamedImage = Pick<ImageReference, 'registry' | 'repository' | 'tag' | 'digest'>;

/**
 * What `spec.images` says that an image runs on; `undefined` when it says nothing and the image has to be inspected.
 * The first entry that matches `registry/repository`, alone or with the tag or the digest, counts.
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

/** The schema has checked the shape; an entry that slipped through says nothing rather than something wrong. */
function toPlatform(text: string): Platform[] {
  const [os = '', architecture = '', variant] = text.split('/');
  if (!isArchitecture(architecture)) return [];
  return [{ os, architecture, ...(variant !== undefined && { variant }) }];
}

/**
 * Whether `text` matches a pattern in which `*` stands for any run of characters. Not a regular expression: tenants
 * choose the text, and this is never slower than pattern length × text length.
 */
function matchesGlob(pattern: string, text: string): boolean {
  let at = 0;
  let from = 0;
  let star = -1;
  let resume = 0;
  while (from < text.length) {
    if (pattern[at] === '*') {
      star = at;
      at += 1;
      resume = from;
    } else if (pattern[at] === text[from]) {
      at += 1;
      from += 1;
    } else if (star >= 0) {
      // The last star takes one character more.
      at = star + 1;
      resume += 1;
      from = resume;
    } else {
      return false;
    }
  }
  return /^\**$/.test(pattern.slice(at));
}
