import { buildIndex, multiPlatformImage, singleImage } from '@archpolicy/testkit';
import type { BuiltImage } from '@archpolicy/testkit';
import type { RightBodies } from '@archpolicy/testkit/fuzz';
import { MAX_CONFIG_BYTES, MAX_MANIFEST_BYTES } from '../../src/inspect/distribution.ts';
import type { RegistryChoice } from './axes.ts';

/** The only architecture of the image that the registry has, and of another valid image. */
export const ARCHITECTURE = 'arm64';
export const OTHER_ARCHITECTURE = 's390x';

const SINGLE = singleImage(`linux/${ARCHITECTURE}`);
const OTHER = singleImage(`linux/${OTHER_ARCHITECTURE}`);
const INDEX = multiPlatformImage([`linux/${ARCHITECTURE}`]);
/** An index whose descriptor has no platform, so that its child is read. */
const UNDECLARED = buildIndex(
  [{ mediaType: SINGLE.manifest.mediaType, digest: SINGLE.manifest.digest, size: SINGLE.manifest.body.length }],
  [SINGLE],
);
const MAX_TOKEN_BODY_BYTES = 64 * 1024;

/** Returns the image of a case. */
export function imageOf(answer: RegistryChoice['answer']): BuiltImage {
  if (answer === 'index child') return UNDECLARED;
  return answer.endsWith('platform check') ? INDEX : SINGLE;
}

export const TOKEN_BODIES: RightBodies = {
  right: Buffer.from('{"token":"a-token","expires_in":300}'),
  another: Buffer.from('{"access_token":"another","expires_in":-1,"refresh_token":1}'),
  maxBytes: MAX_TOKEN_BODY_BYTES,
};

/**
 * Returns the bodies of a manifest or config.
 *
 * @param reference a tag or digest. An unknown digest returns undefined.
 */
export function contentBodies(image: BuiltImage, reference: string, isBlob: boolean): RightBodies | undefined {
  const contents = [image, OTHER].flatMap(({ manifest, children, blobs }) => [manifest, ...children, ...blobs]);
  const stored = reference.includes(':') ? contents.find(({ digest }) => digest === reference) : image.manifest;
  const another = isBlob ? OTHER.blobs[0] : OTHER.manifest;
  if (stored === undefined || another === undefined) return undefined;
  return { right: stored.body, another: another.body, maxBytes: isBlob ? MAX_CONFIG_BYTES : MAX_MANIFEST_BYTES };
}
