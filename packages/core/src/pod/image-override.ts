import type { Inspection } from '../inspection/inspection.ts';
import type { ArchPolicySpec } from '../policy/arch-policy.ts';
import { overriddenPlatforms } from '../policy/image-override.ts';
import { parseReference } from '../reference/index.ts';

type Resolved = Extract<Inspection, { kind: 'resolved' }>;

/** The digest of facts that no registry returned. */
const NO_DIGEST = '';

/**
 * The facts that the policy's `spec.images` declares for an image, in place of an inspection. Undefined when no entry
 * matches, and when the entry that matches names no platform that can be read: then the image is inspected.
 */
export function overriddenInspection(image: string, { images }: Pick<ArchPolicySpec, 'images'>): Resolved | undefined {
  if (images.length === 0) return undefined;
  const parsed = parseReference(image);
  if (parsed.kind === 'failed') return undefined;
  const platforms = overriddenPlatforms(images, parsed.value);
  if (platforms === undefined || platforms.length === 0) return undefined;
  const digest = parsed.value.digest ?? NO_DIGEST;
  return { kind: 'resolved', facts: { digest, platforms, neutral: false }, source: 'override', ageMs: 0 };
}
