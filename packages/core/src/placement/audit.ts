import type { PlacementDecision } from './decision.ts';
import { quote } from './quote.ts';

/** Audit annotations are stored with every event, so they are short. */
const MAX_VALUE_LENGTH = 256;

/**
 * Returns the annotations for the API server's audit log; their keys lack the webhook's prefix, which the API server
 * adds.
 */
export function auditAnnotations(decision: PlacementDecision): Readonly<Record<string, string>> {
  const { kind, reason, policy, image } = decision;
  const architectures = 'architectures' in decision ? decision.architectures.join(',') : '';
  return {
    decision: kind,
    reason,
    ...(policy !== undefined && { policy: quote(policy, MAX_VALUE_LENGTH) }),
    ...(architectures !== '' && { architectures }),
    ...(image !== undefined && { image: quote(image, MAX_VALUE_LENGTH) }),
  };
}
