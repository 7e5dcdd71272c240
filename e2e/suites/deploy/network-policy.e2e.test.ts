import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { renderKustomization } from '@archpolicy/e2e';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { isAllowed } from './network-policies.ts';
import type { Caller, NetworkPolicy } from './network-policies.ts';

const DEPLOY = join(import.meta.dirname, '../../../deploy');

// The first run on a machine builds kubectl.
jest.setTimeout(30 * 60_000);

interface Probe {
  readonly httpGet: { readonly port: string };
}

interface Container {
  readonly ports: readonly { readonly name: string }[];
  readonly readinessProbe: Probe;
  readonly livenessProbe: Probe;
}

interface Workload {
  readonly kind: 'Deployment';
  readonly spec: {
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: { readonly containers: readonly [Container] };
    };
  };
}

interface Rendered {
  readonly policies: readonly NetworkPolicy[];
  readonly workloads: readonly Workload[];
  readonly kinds: readonly string[];
}

let folder: string;
const rendered: Record<string, Rendered> = {};

async function render(path: string): Promise<Rendered> {
  const objects = parseAllDocuments(await renderKustomization(path)).map(
    (document) => document.toJS() as NetworkPolicy | Workload,
  );
  return {
    policies: objects.filter((object) => object.kind === 'NetworkPolicy'),
    workloads: objects.filter((object) => object.kind === 'Deployment'),
    kinds: objects.map(({ kind }) => kind),
  };
}

/** Writes an overlay over the workloads with the component. It is beside copies of both, because paths are relative. */
async function writeOverlay(name: string, resources: readonly string[]): Promise<string> {
  const overlay = join(folder, name);
  await mkdir(overlay);
  await cp(join(DEPLOY, 'components/network-policy/callers.example.yaml'), join(overlay, 'callers.yaml'));
  const kustomization = { resources, components: ['../components/network-policy'] };
  await writeFile(join(overlay, 'kustomization.yaml'), JSON.stringify(kustomization));
  return overlay;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'archpolicy-network-'));
  await cp(join(DEPLOY, 'base/workloads'), join(folder, 'workloads'), { recursive: true });
  await cp(join(DEPLOY, 'components'), join(folder, 'components'), { recursive: true });
  rendered['base'] = await render(join(folder, 'workloads'));
  rendered['component'] = await render(await writeOverlay('closed', ['../workloads', 'callers.yaml']));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const get = (name: string): Rendered => rendered[name]!;

/** All callers are on other nodes than the pods of ArchPolicy. */
const CALLERS: Readonly<Record<string, Caller>> = {
  'API server': { address: '192.0.2.4' },
  'another node': { address: '192.0.2.99' },
  'a pod of a tenant': { address: '10.244.1.7', namespace: 'shop', labels: { app: 'web' } },
  Prometheus: { address: '10.244.1.8', namespace: 'monitoring', labels: { app: 'prometheus' } },
  'outside the cluster': { address: '203.0.113.9' },
};

const TARGETS = ['webhook https', 'webhook metrics', 'webhook probes', 'operator metrics', 'operator probes'] as const;

/** Who may reach which port, with `yes` and `-` in the order of TARGETS. */
const TABLE: readonly (readonly [string, string, string])[] = [
  ['base', 'API server', 'yes yes - yes -'],
  ['base', 'another node', 'yes yes - yes -'],
  ['base', 'a pod of a tenant', 'yes yes - yes -'],
  ['base', 'Prometheus', 'yes yes - yes -'],
  ['base', 'outside the cluster', 'yes yes - yes -'],
  ['component', 'API server', 'yes - - - -'],
  ['component', 'another node', '- - - - -'],
  ['component', 'a pod of a tenant', '- - - - -'],
  ['component', 'Prometheus', '- yes - yes -'],
  ['component', 'outside the cluster', '- - - - -'],
];

describe('the NetworkPolicies', () => {
  test.each(TABLE)('P4 %s: %s may reach %s', (name, caller, expected) => {
    const { policies, workloads } = get(name);
    const actual = TARGETS.map((target) => {
      const [component = '', port = ''] = target.split(' ');
      const workload = workloads.find(
        ({ spec }) => spec.template.metadata.labels['app.kubernetes.io/component'] === component,
      );
      const { labels } = workload!.spec.template.metadata;
      return isAllowed(policies, CALLERS[caller]!, { labels, port }) ? 'yes' : '-';
    });
    expect(actual.join(' ')).toBe(expected);
  });

  test.each(['base', 'component'])(
    'P2 %s: each port of a pod is in the table, and probes use the port of their own',
    (name) => {
      const { workloads } = get(name);
      const ports = workloads.flatMap(({ spec: { template } }) => {
        const component = template.metadata.labels['app.kubernetes.io/component'];
        return template.spec.containers[0].ports.map((port) => `${component} ${port.name}`);
      });
      expect(ports.toSorted()).toEqual(TARGETS.toSorted());
      const containers = workloads.map(({ spec }) => spec.template.spec.containers[0]);
      const probes = containers.flatMap(({ readinessProbe, livenessProbe }) => [readinessProbe, livenessProbe]);
      expect(new Set(probes.map(({ httpGet }) => httpGet.port))).toEqual(new Set(['probes']));
    },
  );

  test('P4 the object that names the callers is not applied', () => {
    expect(get('component').kinds).toEqual(get('base').kinds);
  });

  test('P1 the component without named callers is an error, not a closed port', async () => {
    const overlay = await writeOverlay('unnamed', ['../workloads']);
    await expect(renderKustomization(overlay)).rejects.toThrow(/nothing selected by Callers/u);
  });
});
