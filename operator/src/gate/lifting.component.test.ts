import { afterEach, describe, expect, test } from '@jest/globals';
import type { JsonObject, JsonPatchOperation } from '@archpolicy/core';
import { FakeApiServer, FakeClock } from '@archpolicy/testkit';
import { GateRig } from './fixtures/gate-rig.ts';
import { refusal } from './fixtures/gated-pods-server.ts';
import { runsOn } from './fixtures/scripted-inspector.ts';

const GATE = 'archpolicy.dev/inspecting';
const addsTolerations = (operations: readonly JsonPatchOperation[]): boolean =>
  operations.some(({ path }) => path.startsWith('/spec/tolerations'));
const rigs: GateRig[] = [];

async function newRig(policy: JsonObject = {}): Promise<GateRig> {
  const server = new FakeApiServer();
  const rig = new GateRig(server, new FakeClock());
  server.fault = (seen) => rig.api.answer(seen);
  rigs.push(await rig.open(policy));
  return rig;
}

afterEach(async () => {
  await Promise.all(rigs.splice(0).map((rig) => rig.close()));
});

describe('responses of the API server', () => {
  async function lifting(rule?: GateRig['api']['rule'], policy: JsonObject = {}): Promise<GateRig> {
    const rig = await newRig(policy);
    if (rule !== undefined) rig.api.rule = rule;
    rig.inspector.answer('web', runsOn('linux/arm64'));
    rig.addPod('web', ['web']);
    await rig.start();
    return rig;
  }
  const lifted = (rig: GateRig, level: string): Promise<string> =>
    rig.metrics
      .getSingleMetricAsString('archpolicy_gate_lifted_total')
      .then(
        (text) =>
          text.split('\n').find((line) => line.includes(`level="${level}"`) && line.includes('ImagesSupport')) ?? '',
      );

  test('PL12 409: another client wrote the pod; it is read, decided and patched again', async () => {
    let touched = 0;
    const rig = await newRig();
    rig.api.rule = () => {
      touched += 1;
      if (touched <= 2) rig.api.touch('shop/web');
      return undefined;
    };
    rig.inspector.answer('web', runsOn('linux/arm64'));
    rig.addPod('web', ['web']);
    await rig.start();
    await rig.ends('web', 'arm64');
    expect(rig.api.patches).toHaveLength(3);
    expect(await lifted(rig, 'full')).toMatch(/ 1$/);
  });

  test('PL12 422 because the gates changed: the same level again', async () => {
    const rig = await newRig();
    let moved = false;
    rig.api.rule = () => {
      if (!moved) rig.addPod('web', ['web'], { schedulingGates: [{ name: 'corp/a' }, { name: GATE }] });
      moved = true;
      return undefined;
    };
    rig.inspector.answer('web', runsOn('linux/arm64'));
    rig.addPod('web', ['web']);
    await rig.start();
    await rig.ends('web', 'corp/a arm64');
    expect(await lifted(rig, 'full')).toMatch(/ 1$/);
  });

  test.each([403, 409, 413, 422])('PL12 %i for the first level: the next level at once', async (status) => {
    const rig = await lifting((operations) => (operations.length > 4 ? refusal(status, 'No') : undefined));
    await rig.ends('web', 'arm64');
    expect(rig.api.pod('shop/web')).not.toHaveProperty('spec.tolerations');
    expect(rig.api.pod('shop/web')).not.toHaveProperty('metadata.annotations');
    expect(rig.api.patches).toHaveLength(2);
    expect(rig.getEvents('web')).toEqual([]);
    expect(await lifted(rig, 'requirements')).toMatch(/ 1$/);
  });

  test.each([400, 403, 409, 422])(
    'PL12 %i for all levels but the gate alone: only the gate is lifted, with an event',
    async (status) => {
      const rig = await lifting((operations) => (operations.length > 3 ? refusal(status, 'No') : undefined));
      await rig.ends('web', '');
      expect(rig.getEvents('web')).toEqual(['Warning LiftRefused']);
      expect(await lifted(rig, 'gate')).toMatch(/ 1$/);
    },
  );

  test('PL12 all levels are rejected: retried forever with back-off, with an event', async () => {
    let refusing = true;
    const rig = await lifting(() => (refusing ? refusal(403, 'Forbidden') : undefined));
    for (const ms of [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800]) await rig.pass(ms);
    await rig.until(() => rig.api.patches.length === 27);
    expect(rig.getEvents('web')).toContain('Warning LiftRefused');
    refusing = false;
    await rig.pass(15_000);
    await rig.ends('web', 'arm64');
  });

  test('PL12 another webhook re-adds the gate: the next level, then a retry', async () => {
    const rig = await lifting((_, pod) => ({ kind: 'answer', status: 200, body: pod }));
    await rig.clock.untilSleeping((ms) => ms === 100);
    expect(rig.api.patches).toHaveLength(3);
    rig.api.rule = () => undefined;
    await rig.pass(100);
    await rig.ends('web', 'arm64');
  });

  test('PL12 429: the same patch again after Retry-After', async () => {
    let busy = true;
    const rig = await lifting(() =>
      busy ? { kind: 'answer', status: 429, headers: { 'retry-after': '7' } } : undefined,
    );
    await rig.clock.untilSleeping((ms) => ms === 7_000);
    busy = false;
    expect(rig.api.patches).toHaveLength(1);
    await rig.pass(7_000);
    await rig.ends('web', 'arm64');
    expect(await lifted(rig, 'full')).toMatch(/ 1$/);
  });

  test('PL12 P2 an API server that is down: retried with the complete decision', async () => {
    const rig = await lifting(() => ({ kind: 'reset' }));
    for (const ms of [200, 400, 800, 1_600]) await rig.pass(ms);
    await rig.until(() => rig.api.patches.length === 5);
    rig.api.rule = () => undefined;
    await rig.pass(3_200);
    await rig.ends('web', 'arm64');
    expect(await lifted(rig, 'full')).toMatch(/ 1$/);
  });

  test('PL12 500 for the toleration: after the second one the requirement alone is accepted, within a second', async () => {
    const rig = await lifting((operations) =>
      addsTolerations(operations) ? refusal(500, 'InternalError') : undefined,
    );
    await rig.pass(100);
    await rig.ends('web', 'arm64');
    expect(rig.api.pod('shop/web')).not.toHaveProperty('spec.tolerations');
    expect(await lifted(rig, 'requirements')).toMatch(/ 1$/);
    // Twice, once more after the dry run, then the lower level.
    expect([rig.api.patches.length, rig.api.dryRuns]).toEqual([4, 1]);
  });

  test('PL12 a toleration that is rejected with 500: the preferred nodes that need it are not required', async () => {
    const rig = await newRig({ preference: { architectures: ['arm64'] } });
    rig.addNode('arm64-1', 'arm64', [{ key: 'kubernetes.io/arch', value: 'arm64', effect: 'NoSchedule' }]);
    rig.api.rule = (operations) => (addsTolerations(operations) ? refusal(500, 'InternalError') : undefined);
    rig.inspector.answer('web', runsOn('linux/amd64', 'linux/arm64'));
    rig.addPod('web', ['web']);
    await rig.start();
    await rig.pass(100);
    await rig.ends('web', 'amd64+arm64');
  });

  test('PL12 500 for the constraint permanently: the gate is lifted at gateTimeout, not earlier', async () => {
    const rig = await lifting((operations) => (operations.length > 3 ? refusal(500, 'InternalError') : undefined), {
      gateTimeout: '6s',
    });
    let freedAtMs = 0;
    while (rig.state('web') === GATE) {
      freedAtMs = await rig.step(100);
    }
    expect(freedAtMs).toBeGreaterThanOrEqual(6_000);
    expect(freedAtMs).toBeLessThan(12_000);
    await rig.ends('web', '');
    expect(rig.getEvents('web')).toEqual(['Warning LiftRefused']);
  });

  test.each(['5s', '60s'])(
    'PL12 P2 500 to all requests for 20 s, gateTimeout %s: every pod gets the complete decision',
    async (gateTimeout) => {
      const rig = await newRig({ gateTimeout });
      const startedMs = rig.clock.monotonic();
      rig.api.rule = () => (rig.clock.monotonic() - startedMs < 20_000 ? refusal(500, 'InternalError') : undefined);
      const names = Array.from({ length: 20 }, (_, index) => `web-${index}`);
      rig.inspector.answer('web', runsOn('linux/arm64'));
      for (const name of names) rig.addPod(name, ['web']);
      await rig.start();
      while ((await rig.step(100)) - startedMs < 60_000);
      for (const name of names) await rig.ends(name, 'arm64');
      expect(await lifted(rig, 'full')).toMatch(/ 20$/);
    },
  );

  test('PL12 an API server that recovers between any two requests: no pod is admitted unconstrained', async () => {
    for (let failures = 1; failures <= 30; failures += 1) {
      const rig = await newRig({ gateTimeout: '5s' });
      let requests = 0;
      rig.api.rule = () => {
        requests += 1;
        return requests <= failures ? refusal(500, 'InternalError') : undefined;
      };
      rig.inspector.answer('web', runsOn('linux/arm64'));
      rig.addPod('web', ['web']);
      await rig.start();
      while (rig.state('web') !== 'arm64') {
        expect([failures, rig.state('web')]).toEqual([failures, GATE]);
        await rig.step(1_000);
      }
      expect(rig.api.pod('shop/web')).toHaveProperty('spec.tolerations');
    }
  }, 60_000);

  test('PL12 404: the pod is dropped', async () => {
    const rig = await lifting(() => refusal(404, 'NotFound'));
    await rig.until(() => rig.api.patches.length === 1);
    rig.inspector.answer('db', runsOn('linux/amd64'));
    rig.api.rule = () => undefined;
    rig.addPod('db', ['db']);
    await rig.ends('db', 'amd64');
    expect(rig.api.patches).toHaveLength(2);
  });
});

test('PL12 P1 an error of our own lifts the gate', async () => {
  const rig = await newRig({ preference: { architectures: ['arm64'] } });
  rig.inspector.answer('web', {
    kind: 'resolved',
    // An invalid inspection, on which the decision throws.
    facts: { digest: 'sha256:a', platforms: undefined as never, neutral: false },
    source: 'memory',
    ageMs: 0,
  });
  rig.addPod('web', ['web']);
  await rig.start();
  await rig.ends('web', '');
  expect(rig.getEvents('web')).toEqual(['Warning SelfCheckFailed']);
});
