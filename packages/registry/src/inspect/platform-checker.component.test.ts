import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import {
  basicAccess,
  dockerConfigJson,
  FakeRegistry,
  buildIndex,
  descriptor,
  multiPlatformImage,
  platformObject,
  singleImage,
  TokenServer,
} from '@archpolicy/testkit';
import type { BuiltImage } from '@archpolicy/testkit';
import type { Inspection } from '@archpolicy/core';
import type { PullSecret } from '../auth/credential.ts';
import { createInspector } from '../create-inspector.ts';
import { loopbackRegistries } from '../fixtures/loopback-registries.ts';
import type { Inspector } from './inspector.ts';
import type { PlatformCheck } from './platform-checker.ts';

// Sockets are slow on a busy machine.
jest.setTimeout(60_000);

const HOUR = 60 * 60_000;
const image = multiPlatformImage(['linux/amd64', 'linux/arm64']);
const [amd64] = image.children;
const CHILD = `/v2/app/manifests/${amd64!.digest}`;
const INDEX = `/v2/app/manifests/${image.manifest.digest}`;

/** The test sets the time of the caches. Background requests wait for their permits in real time. */
const clock = {
  now: () => nowMs,
  monotonic: () => performance.now(),
  sleep: (ms: number, signal?: AbortSignal) => delay(ms, undefined, { signal }),
};

let registry: FakeRegistry;
let inspector: Inspector;
let nowMs: number;

beforeEach(async () => {
  registry = await new FakeRegistry().start();
  registry.push('app', 'v1', image);
  nowMs = 0;
  inspector = open();
});

afterEach(async () => {
  await inspector.close();
  await registry.stop();
});

function open(more = ''): Inspector {
  const registries = loopbackRegistries(`${more}requestLimit: {perSecond: 2000, burst: 1000}`);
  return createInspector({ clock, registries });
}

const pullSecretsFor = (user?: string): readonly PullSecret[] =>
  user === undefined
    ? []
    : [{ type: 'kubernetes.io/dockerconfigjson', json: dockerConfigJson({ [registry.host]: user }) }];

const inspect = (user?: string, reference = 'app:v1'): Promise<Inspection> =>
  inspector.inspect({ reference: `${registry.host}/${reference}`, pullSecrets: pullSecretsFor(user), budgetMs: 5_000 });

const check = (user?: string, more: object = {}): Promise<PlatformCheck> =>
  inspector.checkPlatform({
    reference: `${registry.host}/app:v1`,
    pullSecrets: pullSecretsFor(user),
    digest: image.manifest.digest,
    os: 'linux',
    architecture: 'amd64',
    ...more,
  });

/** Returns the missing architectures of an inspection. */
async function missing(user?: string, reference?: string): Promise<readonly string[] | string> {
  const inspection = await inspect(user, reference);
  if (inspection.kind === 'unresolved') return inspection.reason;
  return (inspection.facts.missing ?? []).map(({ architecture }) => architecture);
}

/**
 * Makes the registry return this status for the amd64 manifest: to all requests, or only to requests with the method.
 */
function answerChild(status: number, method?: string): void {
  registry.fault = (request) =>
    request.path === CHILD && (method ?? request.method) === request.method ? { kind: 'answer', status } : undefined;
}

describe('a manifest that an index lists', () => {
  test('I9 I2 costs one GET of the index and one HEAD while the registry has it', async () => {
    expect(await check()).toBe('available');
    expect(registry.lines).toEqual([`GET ${INDEX}`, `HEAD ${CHILD}`]);
    expect(await missing()).toEqual([]);
  });

  test('I9 is missing when the registry returns 404 to HEAD and GET', async () => {
    await inspect();
    registry.forgetRequests();
    answerChild(404);
    expect(await missing()).toEqual([]);
    expect(await check()).toBe('missing');
    expect(registry.lines).toEqual([`GET ${INDEX}`, `HEAD ${CHILD}`, `GET ${CHILD}`, `HEAD ${INDEX}`]);
    expect(await missing()).toEqual(['amd64']);
    expect(await check(undefined, { architecture: 'arm64' })).toBe('available');
  });

  test.each<[string, number, string | undefined, PlatformCheck]>([
    ['404 to HEAD alone', 404, 'HEAD', 'available'],
    ['405 to HEAD and 200 to GET', 405, 'HEAD', 'available'],
    ['401', 401, undefined, 'unknown'],
    ['403', 403, undefined, 'unknown'],
    ['429', 429, undefined, 'unknown'],
    ['500', 500, undefined, 'unknown'],
    ['400', 400, undefined, 'unknown'],
    ['406', 406, undefined, 'unknown'],
  ])('I9 I4 is not missing when the registry returns %s', async (_, status, method, expected) => {
    await inspect();
    answerChild(status, method);
    expect(await check()).toBe(expected);
    expect(await missing()).toEqual([]);
  });

  test('I9 I4 is not missing when HEAD returns 404 and GET fails', async () => {
    registry.fault = ({ path, method }) => {
      if (path !== CHILD) return undefined;
      return method === 'HEAD' ? { kind: 'answer', status: 404 } : { kind: 'reset' };
    };
    expect(await check()).toBe('unknown');
    expect(await missing()).toEqual([]);
  });

  test.each([404, 500, 401])(
    'I9 I4 is not missing when the registry then returns %d for the index, too',
    async (status) => {
      await inspect();
      let hasLostAll = false;
      registry.fault = ({ path }) => {
        hasLostAll ||= path === CHILD;
        return hasLostAll ? { kind: 'answer', status: path === CHILD ? 404 : status } : undefined;
      };
      expect(await check()).toBe('unknown');
      registry.fault = () => undefined;
      expect(await missing()).toEqual([]);
    },
  );

  test.each([404, 405])('I9 is missing at a registry that returns %d to every HEAD', async (status) => {
    registry.fault = ({ path, method }) => {
      if (method === 'HEAD') return { kind: 'answer', status };
      return path === CHILD ? { kind: 'answer', status: 404 } : undefined;
    };
    expect(await check()).toBe('missing');
    expect(registry.lines.slice(3)).toEqual([`HEAD ${INDEX}`, `GET ${INDEX}`]);
  });

  test('I9 I4 is not missing when a registry that rejects HEAD then returns 404 for the index, too', async () => {
    let hasLostAll = false;
    registry.fault = ({ path, method }) => {
      hasLostAll ||= path === CHILD;
      if (method === 'HEAD') return { kind: 'answer', status: 405 };
      return hasLostAll ? { kind: 'answer', status: 404 } : undefined;
    };
    expect(await check()).toBe('unknown');
  });

  test('I9 is available when the registry has one of several variants', async () => {
    const variants = ['linux/arm/v6', 'linux/arm/v7', 'linux/amd64'];
    const arm = multiPlatformImage(variants, 'arm');
    registry.push('app', 'v1', arm);
    const [v6, v7] = arm.children;
    const deletedPaths = new Set([`/v2/app/manifests/${v6!.digest}`]);
    registry.fault = ({ path }) => (deletedPaths.has(path) ? { kind: 'answer', status: 404 } : undefined);
    const of = { digest: arm.manifest.digest, architecture: 'arm' };
    expect(await check(undefined, of)).toBe('available');
    deletedPaths.add(`/v2/app/manifests/${v7!.digest}`);
    expect(await check(undefined, of)).toBe('missing');
    expect(await missing()).toEqual(['arm']);
  });

  const single = singleImage('linux/amd64');
  const entry = (more: object): object =>
    descriptor(single.manifest, { platform: platformObject('linux/amd64'), ...more });
  test.each<[string, BuiltImage]>([
    ['a single manifest', single],
    ['an index without the platform', multiPlatformImage(['linux/s390x'])],
    ['an index with an invalid digest', buildIndex([entry({ digest: 'sha256:1' })], [])],
    [
      'an index with more variants than are checked',
      buildIndex(
        Array.from({ length: 5 }, () => entry({})),
        [],
      ),
    ],
  ])('I9 nothing is checked for %s', async (_, other) => {
    registry.push('app', 'v1', other);
    expect(await check(undefined, { digest: other.manifest.digest })).toBe('available');
    expect(registry.lines).toEqual([`GET /v2/app/manifests/${other.manifest.digest}`]);
  });

  test('I9 is unknown when the body of the index has another digest', async () => {
    registry.fault = ({ path }) =>
      path === INDEX
        ? { kind: 'answer', status: 200, body: multiPlatformImage(['linux/amd64']).manifest.body }
        : undefined;
    expect(await check()).toBe('unknown');
  });

  test('I9 concurrent checks of one platform share their requests', async () => {
    answerChild(404);
    expect(await Promise.all([check(), check(), check()])).toEqual(['missing', 'missing', 'missing']);
    expect(registry.lines).toHaveLength(4);
  });

  test('I9 is unknown for a blocked registry, an invalid reference or a closed inspector', async () => {
    const blocked = open('blocked: true, ');
    expect(
      await blocked.checkPlatform({
        reference: `${registry.host}/app:v1`,
        digest: image.manifest.digest,
        os: 'linux',
        architecture: 'amd64',
      }),
    ).toBe('unknown');
    await blocked.close();
    expect(await check(undefined, { reference: 'App:V1' })).toBe('unknown');
    await inspector.close();
    expect(await check()).toBe('unknown');
    expect(registry.lines).toEqual([]);
  });
});

describe('a cached missing platform', () => {
  test('I9 no longer applies when the tag moves', async () => {
    answerChild(404);
    await check();
    const moved = multiPlatformImage(['linux/amd64', 'linux/arm64'], 'moved');
    registry.push('app', 'v1', moved);
    nowMs += 11 * 60_000;
    expect(await missing()).toEqual([]);
    // The entry applies to the content, which may have another tag by now.
    registry.push('app', 'v1', image);
    nowMs += 11 * 60_000;
    expect(await missing()).toEqual(['amd64']);
  });

  test('I9 K3 expires after a day', async () => {
    answerChild(404);
    await check();
    nowMs += 24 * HOUR - 1;
    expect(await missing()).toEqual(['amd64']);
    nowMs += 1;
    expect(await missing()).toEqual([]);
  });

  test('I9 includes all platforms that were checked', async () => {
    registry.fault = ({ path }) =>
      image.children.some(({ digest }) => path.endsWith(digest)) ? { kind: 'answer', status: 404 } : undefined;
    await check();
    await check(undefined, { architecture: 'arm64' });
    await check();
    expect(await missing()).toEqual(['arm64', 'amd64']);
  });

  test('I9 does not apply to another repository with the same content', async () => {
    registry.push('copy', 'v1', image);
    answerChild(404);
    await check();
    expect(await missing(undefined, 'copy:v1')).toEqual([]);
  });

  test('I9 K2 P4 applies to the credential that received the 404', async () => {
    const access = basicAccess(['alice:a', 'bob:b']);
    registry.access = access;
    registry.fault = (request) => {
      // Returns 404 to alice for content that she may not read.
      const isAlice = access(request, 'app') === undefined && request.headers.authorization?.endsWith('YWxpY2U6YQ==');
      return isAlice === true && request.path === CHILD ? { kind: 'answer', status: 404 } : undefined;
    };
    expect(await check('alice:a')).toBe('missing');
    expect(await missing('alice:a')).toEqual(['amd64']);
    expect(await missing('bob:b')).toEqual([]);
    expect(await check('bob:b')).toBe('available');
    expect(await missing('bob:b')).toEqual([]);
    expect(await check('mallory:m')).toBe('unknown');
    expect(await missing('mallory:m')).toBe('Unauthorized');
  });

  test('I9 K2 a 404 for the index is no evidence', async () => {
    registry.fault = ({ path }) => (path.includes('/manifests/sha256') ? { kind: 'answer', status: 404 } : undefined);
    expect(await check()).toBe('unknown');
    expect(await missing()).toEqual([]);
  });

  test('I9 K2 applies to all pods if the registry requires no credential', async () => {
    answerChild(404);
    expect(await check('alice:a')).toBe('missing');
    expect(await missing('bob:b')).toEqual(['amd64']);
    expect(await missing()).toEqual(['amd64']);
  });

  test('I9 I6 applies to the credential for which the token was issued', async () => {
    const alice = { name: 'alice', password: 'a', repositories: ['app'] };
    const bob = { name: 'bob', password: 'b', repositories: ['app'] };
    const tokens = await new TokenServer([alice, bob]).start();
    registry.access = tokens.access();
    answerChild(404);
    expect(await check('alice:a')).toBe('missing');
    answerChild(200);
    registry.fault = () => undefined;
    expect([await missing('alice:a'), await missing('bob:b')]).toEqual([['amd64'], []]);
    await tokens.stop();
  });
});
