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

// A whole webhook under whatever else the machine does.
jest.setTimeout(60_000);

let world: World;
let tokens: TokenServer;
let webhook: RunningWebhook | undefined;
/** How far the clock was turned. */
let advancedMs: number;
const image = singleImage('linux/arm64');

beforeEach(async () => {
  const tenants = Array.from({ length: TENANTS }, (_, index) => ({
    name: `tenant-${index}`,
    password: `password-${index}`,
    repositories: [REPOSITORY],
  }));
  const outsider = { name: 'outsider', password: 'good', repositories: ['other/app'] };
  const everyone = { name: '', password: '', repositories: ['public/app'] };
  [world, tokens] = await Promise.all([createWorld(), new TokenServer([...tenants, outsider, everyone]).start()]);
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

const sendReview = (namespace: string, reference: string, ...secrets: readonly string[]): Promise<DecodedResponse> => {
  if (webhook === undefined) throw new Error('not started');
  return webhook.sendReview(createPod(reference, ...secrets), { namespace });
};

const secretReads = (): readonly string[] =>
  world.api.requests.map(({ path }) => path).filter((path) => path.includes('/secrets/'));

/** An answer, with what the tenant itself had written taken out. */
const withoutName = (response: DecodedResponse, reference: string): string =>
  JSON.stringify(response).replaceAll(reference, 'IMAGE');

describe('a private image', () => {
  test('I5 is inspected with the secret that the pod names, read once, by its name alone', async () => {
    putTenant('a', ['pull', RIGHT]);
    await started();
    expect(getArchitectures(await sendReview('a', byTag(), 'pull'))).toEqual(['arm64']);
    world.registry.forgetRequests();
    for (let i = 0; i < 5; i += 1) expect(getArchitectures(await sendReview('a', byTag(), 'pull'))).toEqual(['arm64']);
    // Warm: neither the registry nor the API server is asked.
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

  test('I5 one Secret may be of the old kind', async () => {
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

  test('K2 who loses its secret loses what it was shown, within 60 s', async () => {
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

  test('P1 an API server that does not give the secret out costs the inspection budget, and no answer is taken for the last', async () => {
    putTenant('a', ['pull', RIGHT]);
    world.registry.push('public/app', 'v1', multiPlatformImage(['linux/arm64']));
    world.api.fault = ({ path }) => (path.includes('/secrets/') ? { kind: 'hang' } : undefined);
    await started();
    const response = await sendReview('a', byTag(), 'pull');
    expect([response.allowed, response.patch, response.warnings.join()]).toEqual([
      true,
      [],
      expect.stringContaining('Deadline'),
    ]);
    const shown = `${world.registry.host}/public/app:v1`;
    await webhook?.until(async () => getArchitectures(await sendReview('a', shown, 'pull')) !== undefined);
  });
});

describe('what one tenant was shown', () => {
  const strangers: readonly (readonly [who: string, secrets: readonly string[]])[] = [
    ['without a secret', []],
    ['with a wrong password', ['wrong']],
    ['with an account that may not see it', ['outsider']],
    ['that names the other’s secret, which is in another namespace', ['pull']],
  ];

  test.each(strangers)('P4 tells a tenant %s nothing, by tag or by digest', async (_, secrets) => {
    putTenant('a', ['pull', RIGHT]);
    putTenant('b', ['wrong', WRONG], ['outsider', 'outsider:good']);
    await started();
    for (const reference of [byTag(), byDigest()]) {
      expect(getArchitectures(await sendReview('a', reference, 'pull'))).toEqual(['arm64']);
      const missing = reference.replace(REPOSITORY, 'private/apq');
      const [theirs, nobodys] = [
        await sendReview('b', reference, ...secrets),
        await sendReview('b', missing, ...secrets),
      ];
      // Not even that there is such an image.
      expect(withoutName(theirs, reference)).toBe(withoutName(nobodys, missing));
      expect(getArchitectures(theirs)).toBeUndefined();
      const told = JSON.stringify(theirs);
      expect(told).not.toContain('arm64');
      if (reference === byTag()) expect(told).not.toContain(image.manifest.digest);
    }
  });

  test('K2 100 tenants with credentials of their own cost one GET and a HEAD each; the 101st learns nothing', async () => {
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

  test('K2 what a registry shows without a credential is everyone’s', async () => {
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
