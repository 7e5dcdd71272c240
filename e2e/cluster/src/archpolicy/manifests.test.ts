import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { splitManifests, withAddress } from './manifests.ts';

const rendered = `apiVersion: v1
kind: Namespace
metadata: {name: n}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: archpolicy}
webhooks:
  - name: pods.archpolicy.dev
    failurePolicy: Ignore
    clientConfig: {service: {name: s, namespace: n}}
`;

describe('the rendered manifests', () => {
  test('are split into the webhook configuration and everything else', () => {
    const { base, webhookConfigurations } = splitManifests(rendered);
    expect(parse(base)).toMatchObject({ kind: 'Namespace' });
    expect(parse(webhookConfigurations)).toMatchObject({ kind: 'MutatingWebhookConfiguration' });
  });

  test('get the URL and the CA of a local webhook, and change nothing else', () => {
    const { webhookConfigurations } = splitManifests(rendered);
    const url = 'https://127.0.0.1:1/mutate';
    expect(parse(withAddress(webhookConfigurations, url, 'CA'))).toMatchObject({
      metadata: { name: 'archpolicy' },
      webhooks: [{ name: 'pods.archpolicy.dev', failurePolicy: 'Ignore', clientConfig: { url, caBundle: 'Q0E=' } }],
    });
  });
});
