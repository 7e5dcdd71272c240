import { afterEach, describe, expect, test } from '@jest/globals';
import type { JsonObject } from '@archpolicy/core';
import { FakeApiServer, FakeClock } from '@archpolicy/testkit';
import type { ApiFault, ApiRequestSeen } from '@archpolicy/testkit';
import { GateRig } from './fixtures/gate-rig.ts';
import { runsOn, unresolved } from './fixtures/scripted-inspector.ts';

const GATE = 'archpolicy.dev/inspecting';
const rigs: GateRig[] = [];

async function newRig(
  policy: JsonObject = {},
  fault: (seen: ApiRequestSeen) => ApiFault | undefined = () => undefined,
): Promise<GateRig> {
  const server = new FakeApiServer();
  const rig = new GateRig(server, new FakeClock());
  server.fault = (seen) => fault(seen) ?? rig.api.answer(seen);
  rigs.push(await rig.open(policy));
  return rig;
}

afterEach(async () => {
  await Promise.all(rigs.splice(0).map((rig) => rig.close()));
});

describe('the gate is lifted', () => {
  test('PL12 of pods that are gated when the operator starts, with one inspection per image', async () => {
    const rig = await newRig();
    for (let i = 0; i < 40; i += 1) rig.addPod(`web-${i}`, ['web']);
    await rig.start();
    await rig.until(() => rig.inspector.asked('web') > 0);
    rig.inspector.answer('web', runsOn('linux/arm64'));
    for (let i = 0; i < 40; i += 1) await rig.becomes(`web-${i}`, 'arm64');
    expect(rig.inspector.asked('web')).toBe(1);
    expect(rig.events).toEqual([]);
  });

  test('PL12 of later pods, without a GET or LIST', async () => {
    const rig = await newRig();
    await rig.start();
    rig.inspector.answer('web', runsOn('linux/arm64'));
    for (let i = 0; i < 10; i += 1) rig.addPod(`web-${i}`, ['web']);
    for (let i = 0; i < 10; i += 1) await rig.becomes(`web-${i}`, 'arm64');
    expect(rig.api.server.lists('/api/v1/pods')).toBe(1);
    const reads = rig.api.server.requests.filter(({ method, path }) => method === 'GET' && path.includes('/pods/'));
    expect(reads).toEqual([]);
    expect(rig.api.patches).toHaveLength(10);
  });

  test('PL12 of a pod whose images are inspected, while the registry of another is slow', async () => {
    const rig = await newRig();
    for (let i = 0; i < 30; i += 1) rig.addPod(`slow-${i}`, [`slow-${i}`]);
    await rig.start();
    await rig.until(() => rig.inspector.requests.length === 30);
    rig.inspector.answer('web', runsOn('linux/amd64'));
    rig.addPod('web', ['web']);
    await rig.becomes('web', 'amd64');
    expect(rig.state('slow-0')).toBe(GATE);
  });

  test('PL12 but not the gates of other controllers', async () => {
    const rig = await newRig();
    rig.inspector.answer('web', runsOn('linux/arm64'));
    rig.addPod('web', ['web'], { schedulingGates: [{ name: 'corp/quota' }, { name: GATE }, { name: 'corp/b' }] });
    rig.addPod('theirs', ['web'], { schedulingGates: [{ name: 'corp/quota' }] });
    await rig.start();
    await rig.ends('web', 'corp/quota corp/b arm64');
    expect(rig.state('theirs')).toBe('corp/quota');
    expect(rig.api.patches).toHaveLength(1);
  });

  test('PL9 with preference and tolerations', async () => {
    const rig = await newRig({ preference: { architectures: ['arm64'] } });
    rig.inspector.answer('web', runsOn('linux/amd64', 'linux/arm64'));
    rig.addPod('web', ['web']);
    await rig.start();
    await rig.ends('web', 'arm64');
    expect(rig.api.pod('shop/web')).toMatchObject({
      metadata: { annotations: { 'archpolicy.dev/decision': expect.stringContaining('"reason":"Preferred"') } },
      spec: { tolerations: [{ key: 'kubernetes.io/arch', operator: 'Equal', value: 'arm64' }] },
    });
  });
});

describe('registry failures', () => {
  test('PL9 rate limited: retried at the time of Retry-After, not earlier', async () => {
    const rig = await newRig();
    rig.inspector.answer('web', unresolved('RateLimited', rig.clock.now() + 20_000));
    rig.addPod('web', ['web']);
    await rig.start();
    await rig.clock.untilSleeping((ms) => ms === 20_000);
    await rig.clock.advance(19_999);
    expect(rig.inspector.asked('web')).toBe(1);
    rig.inspector.answer('web', runsOn('linux/arm64'));
    await rig.clock.advance(1);
    await rig.ends('web', 'arm64');
    expect(rig.inspector.asked('web')).toBe(2);
    expect(rig.getEvents('web')).toEqual([]);
  });

  test('PL9 unavailable: retried with back-off until it responds', async () => {
    const rig = await newRig();
    rig.inspector.answer('web', unresolved('Unavailable'));
    rig.addPod('web', ['web']);
    await rig.start();
    for (const ms of [500, 1_000, 2_000, 4_000]) await rig.pass(ms);
    await rig.until(() => rig.inspector.asked('web') === 5);
    rig.inspector.answer('web', runsOn('linux/arm64'));
    await rig.pass(8_000);
    await rig.ends('web', 'arm64');
    // After five seconds one event states why it waits.
    expect(rig.getEvents('web')).toEqual(['Normal Inspecting']);
  });

  test.each(['NotFound', 'Unauthorized', 'Malformed', 'BreakerOpen'] as const)(
    'PL9 %s is final: lifted at once',
    async (reason) => {
      const rig = await newRig();
      rig.inspector.answer('web', unresolved(reason));
      rig.addPod('web', ['web']);
      await rig.start();
      await rig.ends('web', '');
      expect(rig.getEvents('web')).toEqual(['Warning Unresolved']);
    },
  );

  test.each<[string, JsonObject, string, string]>([
    ['unconstrained, with a warning', {}, '', 'Warning GateTimedOut'],
    ['to the fallback architecture', { fallbackArchitecture: 'amd64' }, 'amd64', 'Normal GateTimedOut'],
  ])('PL9 after gateTimeout the gate is always lifted: %s', async (_, policy, state, event) => {
    const rig = await newRig({ gateTimeout: '30s', ...policy });
    rig.addPod('web', ['web']);
    await rig.start();
    await rig.clock.untilSleeping((ms) => ms === 30_000);
    await rig.clock.advance(29_999);
    expect(rig.state('web')).toBe(GATE);
    await rig.clock.advance(1);
    await rig.ends('web', state);
    expect(rig.getEvents('web')).toEqual([event]);
  });

  test('PL9 a pod that waited past gateTimeout without an operator is lifted at once', async () => {
    const rig = await newRig();
    rig.addPod('web', ['web']);
    rig.clock.jump(61_000);
    await rig.start();
    await rig.ends('web', '');
  });

  test('PL9 gateTimeout also holds with a wrong wall clock', async () => {
    const rig = await newRig();
    rig.addPod('web', ['web'], {}, { creationTimestamp: '2027-01-01T00:00:00Z' });
    await rig.start();
    await rig.pass(60_000);
    await rig.ends('web', '');
  });
});

describe('changes while a pod waits', () => {
  test.each<[string, (rig: GateRig) => void]>([
    [
      'its policy is deleted',
      (rig) => {
        rig.setPolicy(undefined);
      },
    ],
    [
      'its policy only audits',
      (rig) => {
        rig.setPolicy({ mode: 'Audit' }, 2);
      },
    ],
    [
      'its policy selects other namespaces',
      (rig) => {
        rig.setPolicy({ namespaceSelector: { matchLabels: { team: 'x' } } }, 2);
      },
    ],
    [
      'its namespace is skipped',
      (rig) => {
        rig.setNamespace({ 'archpolicy.dev/skip': 'true' });
      },
    ],
    [
      'it is skipped itself',
      (rig) => {
        rig.addPod('web', ['web'], {}, { labels: { 'archpolicy.dev/skip': 'true' } });
      },
    ],
  ])('PL12 %s: lifted at once', async (_, happens) => {
    const rig = await newRig();
    rig.addPod('web', ['web']);
    await rig.start();
    await rig.until(() => rig.inspector.asked('web') === 1);
    happens(rig);
    await rig.ends('web', '');
    expect(rig.getEvents('web')).toEqual([]);
  });

  test('PL12 its namespace cannot be read yet: lifted only after a response that states that it does not exist', async () => {
    const answers = [500, 429];
    const rig = await newRig({}, ({ path }) => {
      const status = path === '/api/v1/namespaces/new' ? answers.shift() : undefined;
      return status === undefined ? undefined : { kind: 'answer', status };
    });
    await rig.start();
    rig.addPod('web', ['web'], {}, { namespace: 'new' });
    await rig.until(() => answers.length === 1);
    await rig.step(0);
    expect(rig.api.patches).toEqual([]);
    await rig.step(200);
    expect([rig.api.patches, answers]).toEqual([[], []]);
    await rig.step(400);
    await rig.until(() => rig.api.patches.length === 1);
  });

  test('PL12 its namespace no longer matches', async () => {
    const rig = await newRig({ namespaceSelector: { matchLabels: { team: 'x' } } });
    rig.setNamespace({ team: 'x' });
    rig.addPod('web', ['web']);
    await rig.start();
    await rig.until(() => rig.inspector.asked('web') === 1);
    rig.setNamespace({ team: 'y' });
    await rig.ends('web', '');
  });

  test('PL12 a policy that overrides the image lifts it without the registry', async () => {
    const rig = await newRig();
    rig.addPod('web', ['web']);
    await rig.start();
    await rig.until(() => rig.inspector.asked('web') === 1);
    rig.setPolicy({ images: [{ match: 'docker.io/library/web', platforms: ['linux/arm64'] }] }, 2);
    await rig.ends('web', 'arm64');
  });

  test('PL12 a status update of the policy enqueues no pod', async () => {
    const rig = await newRig();
    rig.addPod('web', ['web']);
    await rig.start();
    await rig.until(() => rig.inspector.asked('web') === 1);
    const before = rig.api.server.requests.length;
    rig.setPolicy({}, 1);
    rig.inspector.answer('other', runsOn('linux/arm64'));
    rig.addPod('other', ['other']);
    await rig.becomes('other', 'arm64');
    expect(rig.api.server.requests.slice(before).filter(({ path }) => path.endsWith('/web'))).toEqual([]);
  });

  test('PL12 it is deleted: its inspection is aborted', async () => {
    const rig = await newRig();
    rig.inspector.answer('web', unresolved('Unavailable'));
    rig.addPod('web', ['web']);
    await rig.start();
    await rig.clock.untilSleeping((ms) => ms === 500);
    rig.api.server.collection('/api/v1/pods').remove('shop/web');
    await rig.until(() => !rig.clock.sleeping.includes(500));
    await expect(rig.metrics.getSingleMetricAsString('archpolicy_gate_images')).resolves.toMatch(/ 0$/);
    await expect(rig.metrics.getSingleMetricAsString('archpolicy_gate_pods')).resolves.toMatch(/ 0$/);
  });

  test('PL12 it is replaced by another pod of its name', async () => {
    const rig = await newRig();
    rig.addPod('web-0', ['web'], {}, { uid: 'one' });
    await rig.start();
    await rig.until(() => rig.inspector.asked('web') === 1);
    rig.api.server.collection('/api/v1/pods').remove('shop/web-0');
    rig.addPod('web-0', ['db'], {}, { uid: 'two' });
    rig.inspector.answer('db', runsOn('linux/amd64'));
    await rig.ends('web-0', 'amd64');
  });
});
