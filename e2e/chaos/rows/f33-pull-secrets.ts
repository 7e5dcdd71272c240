import { setTimeout as sleep } from 'node:timers/promises';
import { FakeRegistry, basicAccess, dockerConfigJson, multiPlatformImage } from '@archpolicy/testkit';
import { SECRETS } from '@archpolicy/kube';
import type { Resource } from '@archpolicy/kube';
import type { JsonObject } from '@archpolicy/core';
import { atMost, exactly, figure } from '../framework/observations.ts';
import type { Observation } from '@archpolicy/testkit';
import { FAKE_CALLER } from '../parts/admission/reviews.ts';
import type { Scenario, ScenarioContext } from '../framework/scenario.ts';
import { AdmissionGround } from '../parts/admission/ground.ts';
import type { TimedVerdict } from '../parts/admission/review-client.ts';
import { countRefused, countWrong, MAX_ATTEMPTS, PAUSE_MS, retryUnplaced } from '../parts/admission/verdicts.ts';

const SERVICE_ACCOUNTS: Resource = { group: '', version: 'v1', resource: 'serviceaccounts' };
const USER = 'alice:wonder-land';
const DOCKER_CONFIG = 'kubernetes.io/dockerconfigjson';
/** The deadline of a review: 2 s less 500 ms (design, section 8). */
const BUDGET_MS = 1_500;
const GOOD = 'good';
/** The API server accepts Secrets up to 1 MiB. */
const HUGE_ENTRIES = 9_000;

/** Contents of Secrets that help nothing. `missing` is never created. */
function badSecrets(host: string): Readonly<Record<string, JsonObject | undefined>> {
  const config = (text: string): JsonObject => secret(DOCKER_CONFIG, { '.dockerconfigjson': text });
  const many = Object.fromEntries(
    Array.from({ length: HUGE_ENTRIES }, (_, index) => [`r${index}.example.com/team/*`, 'a:b']),
  );
  return {
    missing: undefined,
    'auths-is-a-number': config('{"auths":7}'),
    'auth-is-no-base64': config(JSON.stringify({ auths: { [host]: { auth: '%%%' } } })),
    'entry-is-null': config(JSON.stringify({ auths: { [host]: null } })),
    'wrong-password': config(dockerConfigJson({ [host]: 'alice:wrong' })),
    'nested-deep': config(`${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`),
    huge: config(dockerConfigJson(many)),
    opaque: secret('Opaque', { '.dockerconfigjson': dockerConfigJson({ [host]: USER }) }),
    'wrong-key': secret('Opaque', { config: 'x' }),
    'not-utf-8': { ...secret('Opaque', {}), data: { '.dockerconfigjson': '//4=' } },
  };
}

function secret(type: string, contents: Readonly<Record<string, string>>): JsonObject {
  const data = Object.fromEntries(
    Object.entries(contents).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
  );
  return { apiVersion: 'v1', kind: 'Secret', type, data };
}

const ID = 'f33';

/** Pull secrets are missing, malformed, huge or of another type. */
export const pullSecrets: Scenario = {
  id: 'F33',
  title: 'Pull secrets are missing, malformed, huge or of another type',
  rule: 'I5, P4',
  bar: 'Every answer within the deadline; the next credential is tried; a public image is placed with any secret',
  done: 'Ten kinds of real Secrets, each for a public image, for a private image, and followed by a right secret; the secret of a ServiceAccount, which the real API server adds to the pod',
  fakes: [FAKE_CALLER, 'the registries, with HTTP Basic'],
  run: observe,
};

async function observe(context: ScenarioContext): Promise<readonly Observation[]> {
  const { cleanUp } = context;
  const ground = await AdmissionGround.open(context, ID);
  const [open, guarded] = await Promise.all([new FakeRegistry().start(), new FakeRegistry().start()]);
  for (const registry of [open, guarded]) cleanUp(() => registry.stop());
  guarded.access = basicAccess([USER]);
  const bad = badSecrets(guarded.host);
  const names = Object.keys(bad);
  for (const [index] of names.entries()) {
    for (const registry of [open, guarded])
      registry.push(`app-${index}`, 'v1', multiPlatformImage(['linux/arm64'], `${index}`));
  }
  guarded.push('only-bad', 'v1', multiPlatformImage(['linux/arm64'], 'only-bad'));
  guarded.push('by-account', 'v1', multiPlatformImage(['linux/arm64'], 'by-account'));
  await createSecrets(ground, {
    ...bad,
    [GOOD]: secret(DOCKER_CONFIG, { '.dockerconfigjson': dockerConfigJson({ [guarded.host]: USER }) }),
  });
  const { client } = await ground.webhook();
  const review = (image: string, pullSecrets: readonly string[]): Promise<TimedVerdict> =>
    client.review({ namespace: ID, images: [image], pullSecrets });
  const each = (host: string, secrets: (name: string) => readonly string[]): Promise<readonly TimedVerdict[]> =>
    Promise.all(names.map((name, index) => retryUnplaced(() => review(`${host}/app-${index}:v1`, secrets(name)))));
  const anonymous = await each(open.host, (name) => [name]);
  const second = await each(guarded.host, (name) => [name, GOOD]);
  const onlyBad = await Promise.all(names.map((name) => review(`${guarded.host}/only-bad:v1`, [name])));
  const byAccount = await placeByAccount(ground, `${guarded.host}/by-account:v1`);
  const all = [...anonymous, ...second, ...onlyBad];
  return [
    atMost('slowest answer', Math.max(...all.map(({ ms }) => ms)), BUDGET_MS, 'ms'),
    exactly('pods refused or without an answer', countRefused(all), 0, 'pods'),
    exactly('pods on a wrong architecture', countWrong(all, ['arm64']), 0, 'pods'),
    exactly('kinds with which a public image was not placed', countUnplaced(anonymous), 0, 'kinds'),
    exactly('kinds after which the second secret was not used', countUnplaced(second), 0, 'kinds'),
    exactly(
      'pods that learned of an image without a right secret',
      onlyBad.length - countUnplaced(onlyBad) - placedBy(onlyBad, names, 'opaque'),
      0,
      'pods',
    ),
    exactly('pods that were not placed by the secret of their ServiceAccount', byAccount ? 0 : 1, 0, 'pods'),
    figure('kinds of secrets', names.length, 'kinds'),
  ];
}

function countUnplaced(verdicts: readonly TimedVerdict[]): number {
  return verdicts.filter(({ kind }) => kind !== 'constrained').length;
}

/** 1 if the pod with this secret was placed. */
function placedBy(verdicts: readonly TimedVerdict[], names: readonly string[], name: string): number {
  return verdicts[names.indexOf(name)]?.kind === 'constrained' ? 1 : 0;
}

async function createSecrets(
  { live }: AdmissionGround,
  secrets: Readonly<Record<string, JsonObject | undefined>>,
): Promise<void> {
  for (const [name, content] of Object.entries(secrets)) {
    if (content !== undefined) await live.create(SECRETS, ID, { ...content, metadata: { name } });
  }
}

/** Creates a pod through the API server, which adds the pull secrets of the ServiceAccount. Returns whether it is constrained. */
async function placeByAccount(ground: AdmissionGround, image: string): Promise<boolean> {
  await ground.live.patch(SERVICE_ACCOUNTS, ID, 'default', { imagePullSecrets: [{ name: GOOD }] });
  const creator = await ground.creator([ID], 1);
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const { isConstrained } = await creator.create({ namespace: ID, name: `by-account-${attempt}`, image });
    if (isConstrained) return true;
    await sleep(PAUSE_MS);
  }
  return false;
}
