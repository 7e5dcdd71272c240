import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { isInBlock } from './network-policies.ts';
import type { IpBlock } from './network-policies.ts';

const COMPONENT = join(import.meta.dirname, '../../../deploy/components/egress');

interface EgressRule {
  readonly to: readonly { readonly ipBlock?: IpBlock }[];
  readonly ports?: readonly { readonly protocol: string; readonly port: number }[];
}

interface Policy {
  readonly metadata: { readonly namespace: string };
  readonly spec: { readonly podSelector: object; readonly egress: readonly EgressRule[] };
}

const policy = parse(readFileSync(join(COMPONENT, 'network-policy.yaml'), 'utf8')) as Policy;

/** Whether the policy, by its rendered rules, allows a TCP connection to an address outside the cluster. */
function allows(address: string, port: number): boolean {
  return policy.spec.egress.some(
    ({ to, ports }) =>
      (ports === undefined || ports.some((one) => one.protocol === 'TCP' && one.port === port)) &&
      to.some(({ ipBlock }) => ipBlock !== undefined && isInBlock(ipBlock, address)),
  );
}

// No CNI plugin runs here, so this reads the rules. It does not prove that a plugin enforces them.
describe('the egress component', () => {
  test.each([
    ['a public registry', '44.205.64.79', 443, true],
    ['a public registry, IPv6', '2600:1f18:2148:bc00::1', 443, true],
    ['a registry in a private network', '10.20.30.40', 5000, true],
    ['the API server', '172.16.0.10', 6443, true],
    ['NodeLocal DNSCache', '169.254.20.10', 53, true],
    ['Cloud DNS of GKE', '169.254.169.254', 53, true],
    ['the DNS resolver of AWS', '169.254.169.253', 53, true],
    ['another port of the address of NodeLocal DNSCache', '169.254.20.10', 80, false],
    ['the metadata service of AWS, Azure and Google Cloud', '169.254.169.254', 80, false],
    ['the credentials of EKS Pod Identity', '169.254.170.23', 80, false],
    ['the metadata service of AWS, IPv6', 'fd00:ec2::254', 80, false],
    ['the metadata service of Google Cloud, IPv6', 'fd20:ce::254', 80, false],
    ['the metadata service of Alibaba Cloud', '100.100.100.200', 80, false],
    ['the platform service of Azure', '168.63.129.16', 80, false],
    ['the metadata service of Oracle Cloud', '192.0.0.192', 80, false],
    ['a link-local address, IPv6', 'fe80::1', 443, false],
  ])('P6 %s, %s:%d: %s', (_, address, port, expected) => {
    expect(allows(address, port)).toBe(expected);
  });

  test('P6 the policy for Cilium selects the same pods, and allows nodes only', () => {
    const cilium = parse(readFileSync(join(COMPONENT, 'cilium.example.yaml'), 'utf8')) as unknown;
    expect(cilium).toMatchObject({
      kind: 'CiliumNetworkPolicy',
      metadata: { namespace: policy.metadata.namespace },
      spec: {
        endpointSelector: policy.spec.podSelector,
        egress: [{ toEntities: expect.not.arrayContaining(['world']) }],
      },
    });
  });
});
