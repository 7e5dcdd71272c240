import { Authority } from '../../cluster/src/certificates/authority.ts';

const SERVICE = 'archpolicy-webhook.archpolicy-system.svc';

/** Creates the webhook's certificate and makes the API server trust it, as deploy/README.md describes. */
export async function installCertificate(
  kubectl: (args: readonly string[], stdin?: string) => Promise<string>,
): Promise<void> {
  const authority = await Authority.create('webhook-ca');
  const pair = await authority.serving(SERVICE, { dns: [SERVICE], ip: [] });
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: { name: 'archpolicy-webhook-tls', namespace: 'archpolicy-system' },
    stringData: { 'tls.crt': pair.certificate, 'tls.key': pair.key },
  };
  await kubectl(['apply', '-f', '-'], JSON.stringify(secret));
  const value = Buffer.from(authority.certificate).toString('base64');
  const patch = [0, 1].map((at) => ({ op: 'add', path: `/webhooks/${at}/clientConfig/caBundle`, value }));
  const target = ['mutatingwebhookconfiguration', 'archpolicy'];
  await kubectl(['patch', ...target, '--type=json', '-p', JSON.stringify(patch)]);
}
