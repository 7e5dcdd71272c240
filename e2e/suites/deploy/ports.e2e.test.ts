import { join } from 'node:path';
import { renderKustomization } from '@archpolicy/e2e';
import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';

const ROOT = join(import.meta.dirname, '../../..');

// The first run on a machine builds kubectl.
jest.setTimeout(30 * 60_000);

interface Container {
  readonly env: readonly { readonly name: string; readonly value?: string }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
}

interface Rendered {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly ports?: readonly object[];
    readonly template: {
      readonly spec: {
        readonly hostNetwork?: boolean;
        readonly dnsPolicy?: string;
        readonly containers: readonly [Container];
      };
    };
  };
}

const VARIABLES = {
  https: 'ARCHPOLICY_WEBHOOK_ADDRESS',
  metrics: 'ARCHPOLICY_METRICS_ADDRESS',
  probes: 'ARCHPOLICY_PROBES_ADDRESS',
} as const;

describe.each([
  ['deploy/base', undefined, { https: 10_250, metrics: 9090, probes: 9091 }],
  ['e2e/suites/deploy/testdata/host-network', true, { https: 10_260, metrics: 10_261, probes: 10_262 }],
])('the ports of the webhook in %s', (path, hostNetwork, ports) => {
  let objects: readonly Rendered[];
  const get = (kind: string): Rendered =>
    objects.find((object) => object.kind === kind && object.metadata.name === 'archpolicy-webhook')!;

  beforeAll(async () => {
    objects = parseAllDocuments(await renderKustomization(join(ROOT, path))).map(
      (document) => document.toJS() as Rendered,
    );
  });

  test('P2 are those at which it listens, and not the port of the kubelet in the network of the node', () => {
    const { spec } = get('Deployment').spec.template;
    const [container] = spec.containers;
    const listed = Object.fromEntries(container.ports.map(({ name, containerPort }) => [name, containerPort]));
    expect(listed).toEqual(ports);
    const variables = Object.fromEntries(container.env.map(({ name, value }) => [name, value]));
    for (const [name, variable] of Object.entries(VARIABLES)) expect(variables[variable]).toBe(`:${listed[name]}`);
    expect(spec.hostNetwork).toBe(hostNetwork);
    expect(variables['ARCHPOLICY_HOST_NETWORK']).toBe(hostNetwork === true ? 'true' : undefined);
    expect(spec.dnsPolicy).toBe(hostNetwork === true ? 'ClusterFirstWithHostNet' : undefined);
  });

  test('P2 are reached through port 443 of the Service, by name', () => {
    expect(get('Service').spec.ports).toEqual([{ name: 'https', port: 443, targetPort: 'https', protocol: 'TCP' }]);
  });
});
