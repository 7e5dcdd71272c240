import type { Inspection } from '../inspection/inspection.ts';
import type { ArchPolicySpec } from '../policy/arch-policy.ts';
import { overriddenPlatforms } from '../policy/image-override.ts';
import { parseReference } from '../reference/index.ts';

type Resolved = Extract<Inspection, { kind: 'resolved' }>;

/** The digest of facts that do not come from a registry. */
const NO_DIGEST = '';

/**
 * Returns the facts that the policy's `spec.images` declares for an image, so that it need not be inspected. Returns
 * undefined if no entry matches, or if the matching entry has no valid platform.
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
