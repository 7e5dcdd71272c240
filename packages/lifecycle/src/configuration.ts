import { resourcePath } from '@archpolicy/kube';

/** The name of the MutatingWebhookConfiguration (deploy/base/webhook-configuration). */
export const CONFIGURATION = 'archpolicy';

export const CONFIGURATION_PATH = resourcePath(
  { group: 'admissionregistration.k8s.io', version: 'v1', resource: 'mutatingwebhookconfigurations' },
  { name: CONFIGURATION },
);
