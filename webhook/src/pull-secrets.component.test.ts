import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { systemClock } from '@archpolicy/async';
import type { JsonObject } from '@archpolicy/core';
import { createWorld, multiPlatformImage, singleImage, TokenServer } from '@archpolicy/testkit';
import type { World } from '@archpolicy/testkit';
import { container, pod } from './fixtures/reviews.ts';
import { getArchitectures, RunningWebhook } from './fixtures/running-webhook.ts';
import type { DecodedResponse } from './fixtures/running-webhook.ts';

const TENANTS = 100;
const REPOSITORY = 'private/app';

// A complete webhook on a loaded machine.
jest.setTimeout(60_000);

let world: World;
let tokens: TokenServer;
let webhook: RunningWebhook | undefined;
/** How far the monotonic clock is advanced. */
let advancedMs: number;
const image = singleImage('linux/arm64');

beforeEach(async () => {
  const tenants = Array.from({ length: TENANTS }, (_, index) => ({
    name: `tenant-${index}`,
    password: `password-${index}`,
    repositories: [REPOSITORY],
  }));
  const outsider = { name: 'outsider', password: 'good', repositories: ['other/app'] };
  const anonymous = { name: '', password: '', repositories: ['public/app'] };
  [world, tokens] = await Promise.all([createWorld(), new TokenServer([...tenants, outsider, anonymous]).start()]);
  world.registry.access = tokens.access();
  world.registry.push(REPOSITORY, 'v1', image);
  advancedMs = 0;
  webhook = undefined;
});

afterEach(async () => {
  await webhook?.stop();
  await Promise.all([world.end(), tokens.stop()]);
});

const RIGHT = 'tenant-0:password-0';
const WRONG = 'tenant-0:wrong';
const byTag = (): string => `${world.registry.host}/${REPOSITORY}:v1`;
const byDigest = (): string => `${world.registry.host}/${REPOSITORY}@${image.manifest.digest}`;

const started = async (): Promise<RunningWebhook> => {
  const clock = systemClock();
  const turned = { ...clock, monotonic: () => clock.monotonic() + advancedMs };
  webhook = await RunningWebhook.start(world, {}, turned);
  return webhook;
};

function putTenant(namespace: string, ...secrets: readonly (readonly [name: string, credential: string])[]): void {
  world.putNamespace(namespace);
  for (const [name, credential] of secrets) world.putPullSecret(namespace, name, { [world.registry.host]: credential });
}

const createPod = (reference: string, ...secrets: readonly string[]): JsonObject =>
  pod({
    containers: [container(reference)],
    ...(secrets.length > 0 && { imagePullSecrets: secrets.map((name) => ({ name })) }),
  });

const sendOnce = (namespace: string, reference: string, ...secrets: readonly string[]): Promise<DecodedResponse> => {
  if (webhook === undefined) throw new Error('not started');
  return webhook.sendReview(createPod(reference, ...secrets), { namespace });
};

/** Repeats the review until it is decided with all inspections: a loaded machine needs longer than one review may wait. */
const sendReview: typeof sendOnce = async (...args) => {
  for (;;) {
    const response = await sendOnce(...args);
    const isDecided = response.auditAnnotations['reason'] !== undefined;
    if (isDecided && !response.warnings.join().includes('Deadline')) return response;
  }
};

const secretReads = (): readonly string[] =>
  world.api.requests.map(({ path }) => path).filter((path) => path.includes('/secrets/'));

/** The response as text, without the image reference of the request. */
const withoutName = (response: DecodedResponse, reference: string): string =>
  JSON.stringify(response).replaceAll(reference, 'IMAGE');

describe('a private image', () => {
  test('I5 is inspected with the secret that the pod names, which is read once, by name', async () => {
    putTenant('a', ['pull', RIGHT]);
    await started();
    expect(getArchitectures(await sendReview('a', byTag(), 'pull'))).toEqual(['arm64']);
    world.registry.forgetRequests();
    for (let i = 0; i < 5; i += 1) expect(getArchitectures(await sendReview('a', byTag(), 'pull'))).toEqual(['arm64']);
    // Warm: no request to the registry or the API server.
    expect([world.registry.lines, secretReads()]).toEqual([[], ['/api/v1/namespaces/a/secrets/pull']]);
    expect((await webhook?.get('/metrics'))?.text).toContain('archpolicy_pull_secret_reads_total{outcome="found"} 1');
  });

  test.each([
    ['first wrong, second right', ['wrong', 'right']],
    ['first right, second wrong', ['right', 'wrong']],
    ['one that does not exist before it', ['missing', 'right']],
    ['one for another host before it', ['other-host', 'right']],
  ])('I5 is found with two secrets: %s', async (_, names) => {
    putTenant('a', ['wrong', WRONG], ['right', RIGHT]);
    world.putPullSecret('a', 'other-host', { 'registry.example': RIGHT });
    await started();
    expect(getArchitectures(await sendReview('a', byTag(), ...names))).toEqual(['arm64']);
  });

  test('I5 a Secret may be of type kubernetes.io/dockercfg', async () => {
    world.putNamespace('a');
    const config = JSON.stringify({ [world.registry.host]: { username: 'tenant-0', password: 'password-0' } });
    world.api.collection('/api/v1/secrets').put({
      metadata: { name: 'pull', namespace: 'a' },
      type: 'kubernetes.io/dockercfg',
      data: { '.dockercfg': Buffer.from(config).toString('base64') },
    });
    await started();
    expect(getArchitectures(await sendReview('a', byTag(), 'pull'))).toEqual(['arm64']);
  });

  test('I5 a rotated secret is used within 60 s', async () => {
    putTenant('a', ['pull', WRONG]);
    await started();
    expect(getArchitectures(await sendReview('a', byTag(), 'pull'))).toBeUndefined();
    world.putPullSecret('a', 'pull', { [world.registry.host]: RIGHT });
    advancedMs = 60_000;
    expect(getArchitectures(await sendReview('a', byTag(), 'pull'))).toEqual(['arm64']);
  });

  test('K2 a tenant whose secret is deleted loses access to cached facts within 60 s', async () => {
    putTenant('a', ['pull', RIGHT]);
    await started();
    expect(getArchitectures(await sendReview('a', byTag(), 'pull'))).toEqual(['arm64']);
    world.api.collection('/api/v1/secrets').remove('a/pull');
    advancedMs = 60_000;
    const response = await sendReview('a', byTag(), 'pull');
    expect([getArchitectures(response), response.warnings.join()]).toEqual([
      undefined,
      expect.stringContaining('Unauthorized'),
    ]);
  });

  test('P1 an API server that does not return the secret delays a pod by the inspection budget, and the failure is not final', async () => {
    putTenant('a', ['pull', RIGHT]);
    world.registry.push('public/app', 'v1', multiPlatformImage(['linux/arm64']));
    world.api.fault = ({ path }) => (path.includes('/secrets/') ? { kind: 'hang' } : undefined);
    await started();
    const response = await sendOnce('a', byTag(), 'pull');
    expect([response.allowed, response.patch, response.warnings.join()]).toEqual([
      true,
      [],
      expect.stringContaining('Deadline'),
    ]);
    const shown = `${world.registry.host}/public/app:v1`;
    await webhook?.until(async () => getArchitectures(await sendOnce('a', shown, 'pull')) !== undefined);
  });
});

describe('facts cached for one tenant', () => {
  const otherTenants: readonly (readonly [tenant: string, secrets: readonly string[]])[] = [
    ['without a secret', []],
    ['with a wrong password', ['wrong']],
    ['with an account without access', ['outsider']],
    ['that names the secret of the other namespace', ['pull']],
  ];

  test.each(otherTenants)('P4 are not revealed to a tenant %s, by tag or by digest', async (_, secrets) => {
    putTenant('a', ['pull', RIGHT]);
    putTenant('b', ['wrong', WRONG], ['outsider', 'outsider:good']);
    await started();
    for (const reference of [byTag(), byDigest()]) {
      expect(getArchitectures(await sendReview('a', reference, 'pull'))).toEqual(['arm64']);
      const missing = reference.replace(REPOSITORY, 'private/apq');
      const [theirs, missingImage] = [
        await sendReview('b', reference, ...secrets),
        await sendReview('b', missing, ...secrets),
      ];
      // Not even the existence of the image.
      expect(withoutName(theirs, reference)).toBe(withoutName(missingImage, missing));
      expect(getArchitectures(theirs)).toBeUndefined();
      const text = JSON.stringify(theirs);
      expect(text).not.toContain('arm64');
      if (reference === byTag()) expect(text).not.toContain(image.manifest.digest);
    }
  });

  test('K2 100 tenants with own credentials cost one GET and a HEAD each; a tenant without access gets no facts', async () => {
    for (let tenant = 0; tenant < TENANTS; tenant += 1) {
      putTenant(`tenant-${tenant}`, ['pull', `tenant-${tenant}:password-${tenant}`]);
    }
    putTenant('late', ['pull', 'tenant-0:stolen']);
    await started();
    for (let tenant = 0; tenant < TENANTS; tenant += 1) {
      expect(getArchitectures(await sendReview(`tenant-${tenant}`, byTag(), 'pull'))).toEqual(['arm64']);
    }
    const shown = world.registry.requests.filter(({ headers }) => headers.authorization?.startsWith('Bearer') === true);
    const manifests = shown.filter(({ path }) => path.includes('/manifests/')).map(({ method }) => method);
    expect(manifests.filter((method) => method === 'GET')).toHaveLength(1);
    expect(manifests.filter((method) => method === 'HEAD').length).toBeLessThanOrEqual(TENANTS - 1);
    for (const reference of [byTag(), byDigest()]) {
      expect(getArchitectures(await sendReview('late', reference, 'pull'))).toBeUndefined();
    }
  });

  test('K2 facts that a registry returns without a credential are shared by all tenants', async () => {
    world.registry.push('public/app', 'v1', singleImage('linux/arm64'));
    putTenant('a', ['pull', RIGHT]);
    putTenant('b');
    await started();
    const reference = `${world.registry.host}/public/app:v1`;
    expect(getArchitectures(await sendReview('b', reference))).toEqual(['arm64']);
    world.registry.forgetRequests();
    expect(getArchitectures(await sendReview('a', reference, 'pull'))).toEqual(['arm64']);
    expect(world.registry.lines).toEqual([]);
  });
});
