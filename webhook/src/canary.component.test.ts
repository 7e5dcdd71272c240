import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonObject } from '@archpolicy/core';
import { createWorld, dockerConfigJson, listEncodings, RedisNode, singleImage, TokenServer } from '@archpolicy/testkit';
import type { World } from '@archpolicy/testkit';
import { body, container, pod, review } from './fixtures/reviews.ts';
import { TlsClient } from './fixtures/tls-client.ts';

const MAIN = join(import.meta.dirname, 'main.ts');
const SECRETS_PATH = '/api/v1/secrets';
const REPOSITORY = 'private/app';
/** Part of every credential, so that one search finds each of them. */
const MARKER = 'Marker7Q';

// A process on a loaded machine.
jest.setTimeout(90_000);

let world: World;
let tokens: TokenServer;
let redis: RedisNode;

beforeEach(async () => {
  const user = { name: `user-${MARKER}`, password: `password-${MARKER}`, repositories: [REPOSITORY] };
  [world, tokens, redis] = await Promise.all([
    createWorld(),
    new TokenServer([user]).start(),
    new RedisNode({ password: `redis-${MARKER}` }).start(),
  ]);
  world.registry.access = tokens.access();
  world.registry.push(REPOSITORY, 'v1', singleImage('linux/arm64'));
});

afterEach(async () => {
  await Promise.all([world.end(), tokens.stop(), redis.stop()]);
});

/** Writes a registries file with credentials that the registry rejects, so that all are tried. */
async function configure(): Promise<void> {
  const path = (name: string): string => join(world.directory, name);
  const refused = (kind: string): string => dockerConfigJson({ [world.registry.host]: `${kind}-${MARKER}:${MARKER}` });
  await writeFile(path('host.json'), refused('host'));
  await writeFile(path('docker.json'), refused('docker'));
  const registry = { host: '127.0.0.1:*', plainHttp: true, allowAddresses: ['127.0.0.0/8'] };
  const registries = [{ ...registry, credentialsFile: path('host.json') }];
  await writeFile(path('registries.yaml'), JSON.stringify({ registries, dockerConfigFile: path('docker.json') }));
}

/** Creates one pull secret of each kind and of each fault. The last one works. Returns their names. */
function putSecrets(): readonly string[] {
  const { host } = world.registry;
  world.putPullSecret('shop', 'refused', { [host]: `unknown-${MARKER}:${MARKER}` });
  world.putPullSecret('shop', 'identity', { [host]: { identitytoken: `identity-${MARKER}` } });
  world.putPullSecret('shop', 'bearer', { [host]: { registrytoken: `bearer-${MARKER}` } });
  world.putPullSecret('shop', 'pull', { [host]: `user-${MARKER}:password-${MARKER}` });
  const data = { '.dockercfg': Buffer.from(`{"${host}": ${MARKER}`).toString('base64') };
  const secrets = world.api.collection(SECRETS_PATH);
  secrets.put({ metadata: { name: 'odd', namespace: 'shop' }, type: 'kubernetes.io/dockercfg', data });
  secrets.put({ metadata: { name: 'opaque', namespace: 'shop' }, type: 'Opaque', data });
  world.api.fault = ({ path }) =>
    path.endsWith('/secrets/broken-off')
      ? { kind: 'answer', status: 200, body: `{"data":{".dockercfg":"${MARKER}` }
      : undefined;
  return ['odd', 'opaque', 'broken-off', 'refused', 'identity', 'bearer', 'pull'];
}

/**
 * Creates the Secrets of the webhook itself, after the start: the serving pair, and the password of Redis with the cache key. Before,
 * each of them is damaged.
 */
async function putOwnSecrets(until: (text: string) => Promise<void>): Promise<void> {
  const put = (name: string, type: string, values: Readonly<Record<string, string>>): void => {
    const encoded = Object.entries(values).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
    const data = Object.fromEntries(encoded) as JsonObject;
    world.api.collection(SECRETS_PATH).put({ metadata: { namespace: 'archpolicy-system', name }, type, data });
  };
  put('archpolicy-webhook-tls', 'kubernetes.io/tls', { 'tls.crt': `crt-${MARKER}`, 'tls.key': `key-${MARKER}` });
  put('archpolicy-cache', 'Opaque', { 'redis-password': `redis-${MARKER}`, 'cache-key': `short-${MARKER}` });
  await Promise.all([until('"CertificateInvalid"'), until('"CacheSecretInvalid"')]);
  const { certificate, key } = await world.authority.issue();
  put('archpolicy-webhook-tls', 'kubernetes.io/tls', { 'tls.crt': certificate, 'tls.key': key });
  const cacheKey = `a-key-of-thirty-two-characters-${MARKER}`;
  put('archpolicy-cache', 'Opaque', { 'redis-password': `redis-${MARKER}`, 'cache-key': cacheKey });
  await Promise.all([until('"serving"'), until('"cache secret loaded"')]);
}

/**
 * Sends a review of a pod with all secrets, with rejected ones, with a broken one and without any. Returns all responses. Repeats
 * the first review until its inspection has ended: a loaded machine needs longer than one review may wait.
 */
async function sendReviews(secrets: readonly string[]): Promise<readonly string[]> {
  const client = new TlsClient(world.port, world.authority.certificate);
  const answers: string[] = [];
  const image = `${world.registry.host}/${REPOSITORY}:v1`;
  const send = async (names: readonly string[]): Promise<string> => {
    const imagePullSecrets = names.map((name) => ({ name }));
    const object = pod({ containers: [container(image)], imagePullSecrets });
    const { body: answer } = await client.send({ body: body(review(object)) });
    const { response } = JSON.parse(answer) as { response: { patch?: string } };
    const patch = Buffer.from(response.patch ?? '', 'base64').toString();
    answers.push(answer, patch);
    return patch;
  };
  while (!(await send(secrets)).includes('arm64'));
  for (const names of [['refused'], ['broken-off'], []]) await send(names);
  client.close();
  return answers;
}

test('P5 the webhook’s process leaks no credential to logs, responses, metrics, Redis or the API server', async () => {
  await configure();
  const secrets = putSecrets();
  const env = {
    ...world.env,
    ARCHPOLICY_LOG_LEVEL: 'debug',
    ARCHPOLICY_INSPECTION_BUDGET: '1500ms',
    ARCHPOLICY_TLS_DIRECTORY: '',
    ARCHPOLICY_REDIS_URL: `redis://127.0.0.1:${redis.port}`,
    ARCHPOLICY_CACHE_SECRET: 'archpolicy-cache',
  };
  const child = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let written = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (written += chunk.toString()));
  await putOwnSecrets(async (text) => {
    while (!written.includes(text)) {
      if (child.exitCode !== null) throw new Error(written);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
  const answers = await sendReviews(secrets);
  const metrics = await (await fetch(`http://127.0.0.1:${world.opsPort}/metrics`)).text();
  const stored = [...(await redis.keys()).keys()];
  child.kill('SIGTERM');
  await once(child, 'close');
  const outputs = [written, metrics, ...answers, ...stored, ...world.api.requests.map((each) => JSON.stringify(each))];
  // Proves that the credentials were used, and sent where they belong.
  const sent = [...world.registry.requests, ...tokens.requests].map(({ headers }) => headers.authorization);
  expect(listEncodings(MARKER).some((form) => sent.join(' ').includes(form))).toBe(true);
  expect(new Set(sent).size).toBeGreaterThanOrEqual(5);
  expect(answers.join()).toContain('arm64');
  expect(stored.length).toBeGreaterThan(0);
  for (const form of listEncodings(MARKER)) expect(outputs.join('\n')).not.toContain(form);
});
