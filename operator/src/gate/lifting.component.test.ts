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

describe('what the API server says', () => {
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

  test('PL12 409: somebody else wrote the pod; read, decided and patched again', async () => {
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

  test('PL12 422 because a gate moved meanwhile: again, not one level down', async () => {
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

  test.each([403, 409, 413, 422])('PL12 %i for the first level: the next one at once', async (status) => {
    const rig = await lifting((operations) => (operations.length > 4 ? refusal(status, 'No') : undefined));
    await rig.ends('web', 'arm64');
    expect(rig.api.pod('shop/web')).not.toHaveProperty('spec.tolerations');
    expect(rig.api.pod('shop/web')).not.toHaveProperty('metadata.annotations');
    expect(rig.api.patches).toHaveLength(2);
    expect(rig.told('web')).toEqual([]);
    expect(await lifted(rig, 'requirements')).toMatch(/ 1$/);
  });

  test.each([400, 403, 409, 422])(
    'PL12 %i for all but the gate alone: it goes alone, with an event',
    async (status) => {
      const rig = await lifting((operations) => (operations.length > 3 ? refusal(status, 'No') : undefined));
      await rig.ends('web', '');
      expect(rig.told('web')).toEqual(['Warning LiftRefused']);
      expect(await lifted(rig, 'gate')).toMatch(/ 1$/);
    },
  );

  test('PL12 everything is refused: tried for ever with back-off, and told', async () => {
    let refusing = true;
    const rig = await lifting(() => (refusing ? refusal(403, 'Forbidden') : undefined));
    for (const ms of [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800]) await rig.pass(ms);
    await rig.until(() => rig.api.patches.length === 27);
    expect(rig.told('web')).toContain('Warning LiftRefused');
    refusing = false;
    await rig.pass(15_000);
    await rig.ends('web', 'arm64');
  });

  test('PL12 a webhook that puts the gate back: one level down, then later again', async () => {
    const rig = await lifting((_, pod) => ({ kind: 'answer', status: 200, body: pod }));
    await rig.clock.somebodySleeps((ms) => ms === 100);
    expect(rig.api.patches).toHaveLength(3);
    rig.api.rule = () => undefined;
    await rig.pass(100);
    await rig.ends('web', 'arm64');
  });

  test('PL12 429: the same patch again, when the server says', async () => {
    let busy = true;
    const rig = await lifting(() =>
      busy ? { kind: 'answer', status: 429, headers: { 'retry-after': '7' } } : undefined,
    );
    await rig.clock.somebodySleeps((ms) => ms === 7_000);
    busy = false;
    expect(rig.api.patches).toHaveLength(1);
    await rig.pass(7_000);
    await rig.ends('web', 'arm64');
    expect(await lifted(rig, 'full')).toMatch(/ 1$/);
  });

  test('PL12 P2 an API server that is down: tried again, and nothing of the decision is lost', async () => {
    const rig = await lifting(() => ({ kind: 'reset' }));
    for (const ms of [200, 400, 800, 1_600]) await rig.pass(ms);
    await rig.until(() => rig.api.patches.length === 5);
    rig.api.rule = () => undefined;
    await rig.pass(3_200);
    await rig.ends('web', 'arm64');
    expect(await lifted(rig, 'full')).toMatch(/ 1$/);
  });

  test('PL12 500 for the toleration: at the second one the requirement passes, within a second', async () => {
    const rig = await lifting((operations) =>
      addsTolerations(operations) ? refusal(500, 'InternalError') : undefined,
    );
    await rig.pass(100);
    await rig.ends('web', 'arm64');
    expect(rig.api.pod('shop/web')).not.toHaveProperty('spec.tolerations');
    expect(await lifted(rig, 'requirements')).toMatch(/ 1$/);
    // Twice, once more after the dry run, then the lower one.
    expect([rig.api.patches.length, rig.api.dryRuns]).toEqual([4, 1]);
  });

  test('PL12 a toleration that is refused with 500: the preferred nodes that need it are not required', async () => {
    const rig = await newRig({ preference: { architectures: ['arm64'] } });
    rig.addNode('arm64-1', 'arm64', [{ key: 'kubernetes.io/arch', value: 'arm64', effect: 'NoSchedule' }]);
    rig.api.rule = (operations) => (addsTolerations(operations) ? refusal(500, 'InternalError') : undefined);
    rig.inspector.answer('web', runsOn('linux/amd64', 'linux/arm64'));
    rig.addPod('web', ['web']);
    await rig.start();
    await rig.pass(100);
    await rig.ends('web', 'amd64+arm64');
  });

  test('PL12 500 for the constraint, for ever: the pod is freed when its time is up, not before', async () => {
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
    expect(rig.told('web')).toEqual(['Warning LiftRefused']);
  });

  test.each(['5s', '60s'])(
    'PL12 P2 500 to everything for 20 s, gateTimeout %s: every pod gets the whole decision',
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

  test('PL12 an API server that is well again between any two requests: no pod goes unconstrained', async () => {
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

  test('PL12 404: it is gone, and that is that', async () => {
    const rig = await lifting(() => refusal(404, 'NotFound'));
    await rig.until(() => rig.api.patches.length === 1);
    rig.inspector.answer('db', runsOn('linux/amd64'));
    rig.api.rule = () => undefined;
    rig.addPod('db', ['db']);
    await rig.ends('db', 'amd64');
    expect(rig.api.patches).toHaveLength(2);
  });
});

test('PL12 P1 a failure of our own frees the pod', async () => {
  const rig = await newRig({ preference: { architectures: ['arm64'] } });
  rig.inspector.answer('web', {
    kind: 'resolved',
    // What no inspector says: the decision fails on it.
    facts: { digest: 'sha256:a', platforms: undefined as never, neutral: false },
    source: 'memory',
    ageMs: 0,
  });
  rig.addPod('web', ['web']);
  await rig.start();
  await rig.ends('web', '');
  expect(rig.told('web')).toEqual(['Warning SelfCheckFailed']);
});
