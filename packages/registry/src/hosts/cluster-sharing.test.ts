import { describe, expect, test } from '@jest/globals';
import { clusterSharing } from './cluster-sharing.ts';
import type { SharingSettings } from './cluster-sharing.ts';

const DEFAULTS: SharingSettings = { plainHttp: false, allowAddresses: [], mirrors: [], rewrite: [] };

describe('K6 which clusters share what is stored about a host', () => {
  test.each([
    'docker.io',
    'registry-1.docker.io',
    'quay.io:443',
    'registry.corp.example.com:5000',
    'registry.example.co.uk',
    'registry.xn--p1ai',
    'my_registry.example.com',
    '123456789012.dkr.ecr.eu-central-1.amazonaws.com',
    'svc.example.com',
    'REGISTRY.EXAMPLE.COM.',
    '8.8.8.8',
    '[2606:4700::1111]:5000',
  ])('K6 all clusters: %s', (host) => {
    expect(clusterSharing(host, undefined)).toBe('all-clusters');
    expect(clusterSharing(host, DEFAULTS)).toBe('all-clusters');
  });

  test.each([
    'registry',
    'registry:5000',
    'registry.',
    'localhost',
    'localhost:32000',
    'registry.localhost:5000',
    'registry.tools.svc',
    'registry.tools.svc:5000',
    'REGISTRY.TOOLS.SVC.',
    'registry.tools.svc.cluster.local',
    'registry.tools.svc.k8s.example.com:5000',
    'harbor.corp',
    'harbor.platform.internal',
    'nas.home.arpa',
    'harbor.consul',
    'registry.acme:5000',
    'registry.tools.k8s-prod',
    'registry.invalid',
    '10.0.0.5:5000',
    '10.5',
    '172.16.0.1',
    '192.168.1.1:443',
    '127.0.0.1:5000',
    '0x7f.1',
    '169.254.1.1',
    '100.64.0.1',
    '[::1]:5000',
    '[fd00::5]',
    '[fe80::1]',
    '[::ffff:10.0.0.1]:5000',
    '[64:ff9b::10.0.0.1]',
    '',
    ':5000',
  ])('K6 this cluster only: %s', (host) => {
    expect(clusterSharing(host, undefined)).toBe('this-cluster');
    expect(clusterSharing(host, DEFAULTS)).toBe('this-cluster');
  });

  test.each<[string, Partial<SharingSettings>]>([
    ['mirrors', { mirrors: [{}] }],
    ['rewritten paths', { rewrite: [{}] }],
    ['plain HTTP', { plainHttp: true }],
    ['allowed addresses', { allowAddresses: ['10.0.0.0/8'] }],
    ['a client certificate', { clientCertificate: {} }],
  ])('K6 this cluster only: a public name with %s', (_, settings) => {
    expect(clusterSharing('registry.example.com', { ...DEFAULTS, ...settings })).toBe('this-cluster');
    expect(clusterSharing('registry.example.com', { ...DEFAULTS, ...settings, shared: true })).toBe('all-clusters');
  });

  test('K6 the setting of the installer overrides the rule', () => {
    expect(clusterSharing('registry.tools.svc', { ...DEFAULTS, shared: true })).toBe('all-clusters');
    expect(clusterSharing('docker.io', { ...DEFAULTS, shared: false })).toBe('this-cluster');
  });
});
