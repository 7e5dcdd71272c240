import { enumCounter, enumGauge } from '@archpolicy/service';
import type { Registry } from '@archpolicy/service';

const CERTIFICATES = ['authority', 'serving'] as const;
export type CertificateName = (typeof CERTIFICATES)[number];
const OBJECTS = [...CERTIFICATES, 'bundle'] as const;
export type ChangedObject = (typeof OBJECTS)[number];

const CAUSES = [
  'missing',
  'corrupt',
  'key-mismatch',
  'foreign',
  'expired',
  'not-yet-valid',
  'wrong-names',
  'due',
  'new-authority',
  'incomplete',
] as const;
export type ChangeCause = (typeof CAUSES)[number];

/** The metrics of the webhook's certificates, in each replica. */
export interface CertificateMetrics {
  readonly changed: (object: ChangedObject, cause: ChangeCause) => void;
  readonly expires: (certificate: CertificateName, notAfterMs: number) => void;
  readonly failing: (isFailing: boolean) => void;
}

export function declareCertificateMetrics(registry: Registry): CertificateMetrics {
  const changes = enumCounter({
    registry,
    name: 'archpolicy_certificate_changes_total',
    help: 'Changes of the CA, the serving certificate and the caBundle of the webhook by this replica, by cause.',
    labels: { object: OBJECTS, cause: CAUSES },
  });
  const expiry = enumGauge({
    registry,
    name: 'archpolicy_webhook_certificate_expiry_timestamp_seconds',
    help: 'When the CA and the serving certificate of the webhook expire, as this replica has read them last.',
    labels: { certificate: CERTIFICATES },
  });
  const failing = enumGauge({
    registry,
    name: 'archpolicy_certificates_failing',
    help: '1 while this replica cannot keep the certificates of the webhook in order. Degraded has the cause.',
    labels: {},
  });
  failing.set({}, 0);
  return {
    changed: (object, cause) => {
      changes.inc({ object, cause });
    },
    expires: (certificate, notAfterMs) => {
      expiry.set({ certificate }, notAfterMs / 1000);
    },
    failing: (isFailing) => {
      failing.set({}, isFailing ? 1 : 0);
    },
  };
}
