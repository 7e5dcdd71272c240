import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { dockerConfigJson, FakeRegistry, multiPlatformImage, TokenServer } from '@archpolicy/testkit';
import type { PullSecret } from './credential.ts';
import { parseRegistries, Registries } from '../config/registries.ts';
import { fixedRegistries } from '../config/registries-file.ts';
import { createInspector } from '../create-inspector.ts';
import { createManualClock } from '../fixtures/clocks.ts';
import type { Inspector } from '../inspect/inspector.ts';
import { NO_LOGGER } from '../logger.ts';

let registry: FakeRegistry;
let tokens: TokenServer;
let inspector: Inspector;
let lines: Readonly<Record<string, unknown>>[];
const clock = createManualClock();
const FILE = `registries:
- { host: "127.0.0.1:*", plainHttp: true, allowAddresses: [127.0.0.0/8] }
- { host: blocked.example, blocked: true }`;

beforeEach(async () => {
  lines = [];
  registry = await new FakeRegistry().start();
  tokens = await new TokenServer([{ name: '', password: '', repositories: ['app', 'other'] }]).start();
  for (const name of ['app', 'other']) registry.push(name, 'v1', multiPlatformImage(['linux/arm64']));
  inspector = createInspector({
    clock,
    registries: fixedRegistries(new Registries(parseRegistries(FILE))),
    logger: { ...NO_LOGGER, warn: (fields) => void lines.push(fields) },
  });
});

afterEach(async () => {
  await inspector.close();
  await Promise.all([registry.stop(), tokens.stop()]);
});

async function inspect(name: string, ...pullSecrets: readonly PullSecret[]): Promise<string> {
  const reference = `${registry.host}/${name}:v1`;
  const inspection = await inspector.inspect({ reference, pullSecrets, budgetMs: 10_000 });
  return inspection.kind === 'resolved' ? 'resolved' : inspection.reason;
}

const secret = (config: object): PullSecret => ({
  type: 'kubernetes.io/dockerconfigjson',
  json: JSON.stringify(config),
});

function requireTokenOf(realm: string): void {
  const headers = { 'www-authenticate': `Bearer realm="${realm}",service="registry"` };
  registry.access = () => ({ kind: 'answer', status: 401, headers });
}

describe('I6 a token service that cannot be used', () => {
  test.each([
    ['/service/token', 'token-service-url-relative'],
    ['ftp://tokens.example/token', 'token-service-url-invalid'],
    ['https://user:pass@tokens.example/token', 'token-service-url-invalid'],
    ['https://blocked.example/token', 'token-service-blocked'],
  ])('I6 I11 %s: Blocked, and the log states %s with the host, once', async (realm, cause) => {
    requireTokenOf(realm);
    expect([await inspect('app'), await inspect('other')]).toEqual(['Blocked', 'Blocked']);
    expect(lines).toEqual([
      { host: registry.host, cause, repository: 'app', authentication: ['none'], detail: expect.stringMatching(/\w/) },
    ]);
    expect(JSON.stringify(lines)).not.toContain('pass@');
  });

  test('I6 a redirect of a token request: the same', async () => {
    registry.access = tokens.access();
    tokens.fault = () => ({ kind: 'answer', status: 302, headers: { location: 'https://login.example/' } });
    expect([await inspect('app'), await inspect('other')]).toEqual(['Blocked', 'Blocked']);
    expect(lines.map(({ host, cause }) => [host, cause])).toEqual([[registry.host, 'token-service-redirects']]);
  });

  test('I6 a usable one: nothing is logged', async () => {
    registry.access = tokens.access();
    expect(await inspect('app')).toBe('resolved');
    expect(lines).toEqual([]);
  });
});

describe('I5 a docker config without credentials', () => {
  test.each([
    ['credHelpers', { credHelpers: { 'registry.example': 'ecr-login' } }],
    ['credsStore and empty entries', { auths: { 'registry.example': {} }, credsStore: 'desktop' }],
  ])('I5 that has only %s is logged with the host, once', async (_, config) => {
    const [one, two] = [secret(config), secret(config)];
    await inspect('app', one);
    await inspect('other', two);
    expect(lines.map(({ host, cause }) => [host, cause])).toEqual([[registry.host, 'credential-helpers-only']]);
  });

  test('I5 with credentials beside the helpers, nothing is logged', async () => {
    const { auths } = JSON.parse(dockerConfigJson({ 'registry.example': 'user:password' })) as { auths: object };
    await inspect('app', secret({ auths, credsStore: 'desktop' }), secret({ auths: {} }), secret({}));
    expect(lines).toEqual([]);
  });
});
