import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  basicAccess,
  descriptor,
  dockerConfigJson,
  FakeRegistry,
  buildIndex,
  multiPlatformImage,
  singleImage,
} from '@archpolicy/testkit';
import type { Inspection } from '@archpolicy/core';
import type { PullSecret } from '../auth/credential.ts';
import { createInspector } from '../create-inspector.ts';
import { createManualClock } from '../fixtures/clocks.ts';
import { loopbackRegistries } from '../fixtures/loopback-registries.ts';
import type { Inspector } from './inspector.ts';

const secret = multiPlatformImage(['linux/s390x']);
const amd64 = singleImage('linux/amd64');
const arm64 = singleImage('linux/arm64');
const undeclared = buildIndex([descriptor(amd64.manifest), descriptor(arm64.manifest)], [amd64, arm64]);

let honest: FakeRegistry;
let hostile: FakeRegistry;
let inspector: Inspector;
const clock = createManualClock();

beforeEach(async () => {
  [honest, hostile] = await Promise.all([new FakeRegistry().start(), new FakeRegistry().start()]);
  inspector = createInspector({ clock, registries: loopbackRegistries() });
  clock.nowMs = 1_000_000;
});

afterEach(async () => {
  await inspector.close();
  await Promise.all([honest.stop(), hostile.stop()]);
});

const inspect = (registry: FakeRegistry, image: string, pullSecrets: readonly PullSecret[] = []): Promise<Inspection> =>
  inspector.inspect({ reference: `${registry.host}/${image}`, budgetMs: 5_000, pullSecrets });

describe('K1 facts are cached by host', () => {
  test('P4 a host that claims a digest of another host does not receive its platforms', async () => {
    honest.access = basicAccess(['alice:pass']);
    honest.push('secret/app', 'v1', secret);
    const pullSecret: PullSecret = {
      type: 'kubernetes.io/dockerconfigjson',
      json: dockerConfigJson({ [honest.host]: 'alice:pass' }),
    };
    expect(await inspect(honest, 'secret/app:v1', [pullSecret])).toMatchObject({ kind: 'resolved' });
    const { digest } = secret.manifest;
    hostile.fault = ({ method }) =>
      method === 'HEAD' ? { kind: 'answer', status: 200, headers: { 'docker-content-digest': digest } } : undefined;
    expect(await inspect(hostile, `x/y@${digest}`)).toMatchObject({ kind: 'unresolved', reason: 'NotFound' });
    hostile.push('x/tag', 'v1', amd64);
    await inspect(hostile, 'x/tag:v1');
    clock.nowMs += 11 * 60_000;
    expect(await inspect(hostile, 'x/tag:v1')).toMatchObject({ kind: 'unresolved', reason: 'NotFound' });
  });

  test('K1 a host that hides a part of an image does not change the facts of another host', async () => {
    honest.push('app', 'v1', undeclared);
    hostile.push('app', 'v1', undeclared);
    hostile.fault = ({ path }) => (path.endsWith(amd64.manifest.digest) ? { kind: 'answer', status: 404 } : undefined);
    const before = await inspect(honest, 'app:v1');
    expect(await inspect(hostile, 'app:v1')).toMatchObject({ facts: { platforms: [{ architecture: 'arm64' }] } });
    expect(await inspect(honest, 'app:v1')).toMatchObject({
      facts: { platforms: [{ architecture: 'amd64' }, { architecture: 'arm64' }] },
    });
    expect(before.kind).toBe('resolved');
  });
});
