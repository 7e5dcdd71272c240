import type { PlacementDecision } from './decision.ts';
import { quote } from './quote.ts';

/** Maximum length of a value. The API server stores the annotations with every audit event, so they must be short. */
const MAX_VALUE_LENGTH = 256;

/**
 * Returns the annotations for the API server's audit log. Their keys have no prefix, because the API server adds the
 * webhook's name.
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
