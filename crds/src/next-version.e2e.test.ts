import { parseArchPolicy } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import { START_TIMEOUT_MILLISECONDS, startCluster, waitFor } from '@archpolicy/e2e';
import type { TestCluster } from '@archpolicy/e2e';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { parse } from 'yaml';
import { archPolicyCrd } from './crd.ts';
import type { ServedVersion } from './crd.ts';
import { ACCEPTED } from './fixtures/accepted.ts';
import { createPolicy } from './fixtures/dry-run.ts';

// kubectl is slow on a loaded machine.
jest.setTimeout(60_000);

const OLD = 'v1alpha1';
/** The version that will follow. No process uses it yet. */
const NEXT = 'v1beta1';
const TIMEOUT_MS = 30_000;
const NAME = 'archpolicies.archpolicy.dev';
const STATUS = {
  observedGeneration: 1,
  conditions: [],
  tolerations: 'Accepted',
  relaxed: [{ owner: 'shop/Deployment/web', until: '2030-01-01T00:00:00Z' }],
};

let cluster: TestCluster;

function kubectl(args: readonly string[], stdin?: string): Promise<string> {
  return cluster.kubectlOutput(args, stdin);
}

/** Applies the CRD with these versions, as an upgrade or a rollback does. */
async function install(...versions: readonly ServedVersion[]): Promise<void> {
  await kubectl(['apply', '--server-side', '--filename=-'], JSON.stringify(archPolicyCrd(versions)));
  await kubectl(['wait', '--for=condition=Established', `crd/${NAME}`]);
  // The API server serves a changed CRD only after some time.
  for (const { name } of versions)
    await waitFor(() => isServed(name), { timeoutMs: TIMEOUT_MS, what: `${name} to be served` });
}

async function isServed(version: string): Promise<boolean> {
  const { status } = await cluster.kubectl(['get', `archpolicies.${version}.archpolicy.dev`]);
  return status === 0;
}

/** Reads a policy in one version. Returns it without its `apiVersion`, which must be that version. */
async function read(name: string, version: string): Promise<JsonObject> {
  const text = await kubectl(['get', `archpolicies.${version}.archpolicy.dev`, name, '--output=json']);
  const { apiVersion, ...policy } = JSON.parse(text) as JsonObject;
  expect(apiVersion).toBe(`archpolicy.dev/${version}`);
  return policy;
}

async function create(name: string, version: string, spec: JsonObject): Promise<void> {
  const policy = { ...createPolicy(name, spec), apiVersion: `archpolicy.dev/${version}` };
  await kubectl(['create', '--filename=-'], JSON.stringify(policy));
  const patch = `--patch=${JSON.stringify({ status: STATUS })}`;
  const resource = `archpolicies.${version}.archpolicy.dev`;
  await kubectl(['patch', resource, name, '--subresource=status', '--type=merge', patch]);
}

/** Expects that each policy is the same object in both versions, and that today's parser accepts it. */
async function expectSameInBoth(names: readonly string[]): Promise<void> {
  for (const name of names) {
    const [old, next] = await Promise.all([read(name, OLD), read(name, NEXT)]);
    expect(next).toEqual(old);
    const parsed = parseArchPolicy({ ...old, apiVersion: `archpolicy.dev/${OLD}` });
    expect(parsed).toMatchObject({ kind: 'ok', value: { name, status: STATUS } });
  }
}

const SPECS = ACCEPTED.filter(
  ([name]) => name === 'the example of the documentation' || name.startsWith('selector: In'),
).map(([, spec]) => parse(spec) as JsonObject);

beforeAll(async () => {
  cluster = await startCluster({ only: 'api-server' });
  await install({ name: OLD, storage: true });
}, START_TIMEOUT_MILLISECONDS);

afterAll(async () => {
  await cluster.stop();
});

// The steps follow one another, as the releases do.
describe('P2 the version v1beta1 can follow without a conversion webhook', () => {
  test('release 1 serves both versions and stores the old one, so that a rollback reads everything', async () => {
    for (const [at, spec] of SPECS.entries()) await create(`before-${at}`, OLD, spec);
    await install({ name: OLD, storage: true }, { name: NEXT, storage: false });
    for (const [at, spec] of SPECS.entries()) await create(`as-next-${at}`, NEXT, spec);
    await expectSameInBoth(SPECS.flatMap((_, at) => [`before-${at}`, `as-next-${at}`]));
  });

  test('release 2 stores the new version: objects that were stored in the old one are the same in both', async () => {
    await install({ name: OLD, storage: false }, { name: NEXT, storage: true });
    for (const [at, spec] of SPECS.entries()) await create(`stored-as-next-${at}`, OLD, spec);
    await expectSameInBoth(SPECS.flatMap((_, at) => [`before-${at}`, `as-next-${at}`, `stored-as-next-${at}`]));
  });

  test('a rollback from release 2 to release 1 reads what release 2 stored', async () => {
    await install({ name: OLD, storage: true }, { name: NEXT, storage: false });
    await expectSameInBoth(SPECS.map((_, at) => `stored-as-next-${at}`));
    await install({ name: OLD, storage: false }, { name: NEXT, storage: true });
  });

  test('the old version cannot be removed before its objects have been stored again', async () => {
    const onlyNext = JSON.stringify(archPolicyCrd([{ name: NEXT, storage: true }]));
    const { status, stderr } = await cluster.kubectl(['replace', '--filename=-'], await withVersionOf(onlyNext));
    expect(status).not.toBe(0);
    expect(stderr).toContain('status.storedVersions');
  });

  test('after all objects have been stored again, the old version can be removed, and no policy is lost', async () => {
    const before = await Promise.all(SPECS.map((_, at) => read(`before-${at}`, NEXT)));
    const all = await kubectl(['get', `archpolicies.${NEXT}.archpolicy.dev`, '--output=json']);
    await kubectl(['replace', '--filename=-'], all);
    const stored = `--patch=${JSON.stringify({ status: { storedVersions: [NEXT] } })}`;
    await kubectl(['patch', 'crd', NAME, '--subresource=status', '--type=merge', stored]);
    const onlyNext = JSON.stringify(archPolicyCrd([{ name: NEXT, storage: true }]));
    await kubectl(['replace', '--filename=-'], await withVersionOf(onlyNext));
    await waitFor(async () => !(await isServed(OLD)), { timeoutMs: TIMEOUT_MS, what: `${OLD} to be gone` });
    const after = await Promise.all(SPECS.map((_, at) => read(`before-${at}`, NEXT)));
    expect(after.map(({ spec, status }) => ({ spec, status }))).toEqual(
      before.map(({ spec, status }) => ({ spec, status })),
    );
  });
});

/** Returns the CRD with the resourceVersion of the installed one, which a replacement needs. */
async function withVersionOf(crd: string): Promise<string> {
  const installed = JSON.parse(await kubectl(['get', 'crd', NAME, '--output=json'])) as {
    readonly metadata: { readonly resourceVersion: string };
  };
  const parsed = JSON.parse(crd) as { readonly metadata: JsonObject };
  const { resourceVersion } = installed.metadata;
  return JSON.stringify({ ...parsed, metadata: { ...parsed.metadata, resourceVersion } });
}
