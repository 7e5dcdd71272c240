import { describe, expect, test } from '@jest/globals';
import type { CronJobFacts, Inspection, PodFacts } from '@archpolicy/core';
import { policy, resolved } from '../fixtures/objects.ts';
import { KeepWarmRig } from './fixtures/keep-warm-rig.ts';
import type { WarmOutcome } from './metrics.ts';

const MINUTE = 60_000;
const TAG_TTL = 10 * MINUTE;

const cronJob = (image: string, changes: Partial<CronJobFacts> = {}): CronJobFacts => ({
  namespace: 'shop',
  name: 'report',
  uid: 'cron',
  suspended: false,
  podLabels: {},
  images: [image],
  puller: { serviceAccountName: 'reporter' },
  ...changes,
});

describe('keep-warm', () => {
  test('K3 the images of pods are refreshed before their entries expire, at any time of an hour', async () => {
    const { clock, inspections, confirmedAt, add, stop } = new KeepWarmRig();
    for (let number = 0; number < 30; number += 1) add(`pod-${number}`, `registry.test/app-${number}:v1`);
    await clock.advance(TAG_TTL);
    for (let minute = 0; minute < 60; minute += 1) {
      await clock.advance(MINUTE);
      const ages = [...confirmedAt.values()].map((at) => clock.monotonic() - at);
      expect(ages).toHaveLength(30);
      expect(Math.max(...ages)).toBeLessThan(TAG_TTL);
    }
    // Each about every eight minutes, all with background priority.
    expect(inspections.length).toBeLessThan((30 * 70) / 7);
    expect(new Set(inspections.map(({ priority }) => priority))).toEqual(new Set(['background']));
    await stop();
  });

  test('K5 inspections are spread over time, one at a time per registry', async () => {
    const { clock, inspections, state, add, stop } = new KeepWarmRig();
    state.latencyMs = 50;
    for (let number = 0; number < 400; number += 1) add(`pod-${number}`, `registry.test/app-${number}:v1`);
    await clock.advance(2 * TAG_TTL);
    const perSecond = new Map<number, number>();
    for (const { atMs } of inspections) {
      const second = Math.floor(atMs / 1_000);
      perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
    }
    expect(inspections.length).toBeGreaterThanOrEqual(800);
    expect(Math.max(...perSecond.values())).toBeLessThanOrEqual(8);
    const gaps = inspections.slice(1).map(({ atMs }, index) => atMs - (inspections[index]?.atMs ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(50);
    await stop();
  });

  test('K5 40 pending pods of 256 images each do not displace the images of other namespaces', async () => {
    const { clock, inspections, add, stop } = new KeepWarmRig();
    for (let pod = 0; pod < 40; pod += 1) {
      const images = Array.from({ length: 256 }, (_, at) => `evil-${at % 8}.test/app-${pod}-${at}:v1`);
      add(`evil-${pod}`, '', { namespace: 'evil', images });
    }
    add('shop', 'registry.test/app:v1', { namespace: 'shop' });
    await clock.advance(TAG_TTL);
    expect(inspections.map(({ reference }) => reference)).toContain('registry.test/app:v1');
    await stop();
  });

  test('K5 hanging hosts of one namespace do not delay the images of another one', async () => {
    const { clock, inspections, confirmedAt, state, add, stop } = new KeepWarmRig();
    state.latencyOf = (image) => (image.startsWith('silent') ? 15_000 : 0);
    for (let pod = 0; pod < 4; pod += 1) {
      const numbers = Array.from({ length: 250 }, (_, at) => pod * 250 + at);
      add(`evil-${pod}`, '', { namespace: 'evil', images: numbers.map((at) => `silent-${at}.test/app:v1`) });
    }
    const many = Array.from({ length: 250 }, (_, at) => `registry.test/big-${at}:v1`);
    add('big', '', { namespace: 'big', images: many });
    state.latencyMs = 2_500;
    add('shop', 'registry.test/app:v1', { namespace: 'shop' });
    await clock.advance(TAG_TTL);
    for (let minute = 0; minute < 8; minute += 1) {
      await clock.advance(MINUTE);
      expect(clock.monotonic() - (confirmedAt.get('registry.test/app:v1') ?? 0)).toBeLessThan(TAG_TTL);
    }
    expect(inspections.filter(({ tenant }) => tenant === 'evil').length).toBeGreaterThan(500);
    await stop();
  });

  test('K5 a refresh counts for the namespace of a pod that uses the image', async () => {
    const { clock, inspections, add, stop } = new KeepWarmRig();
    add('a', 'registry.test/app:v1', { namespace: 'bank' });
    await clock.advance(TAG_TTL);
    expect(new Set(inspections.map(({ tenant }) => tenant))).toEqual(new Set(['bank']));
    await stop();
  });

  test('a registry that hangs does not delay the others', async () => {
    const { clock, inspections, state, add, stop } = new KeepWarmRig();
    add('a', 'slow.test/app:v1');
    await clock.advance(TAG_TTL);
    state.latencyMs = 60 * MINUTE;
    await clock.advance(TAG_TTL);
    const before = inspections.length;
    state.latencyMs = 0;
    add('b', 'quick.test/app:v1');
    await clock.advance(TAG_TTL);
    expect(inspections.slice(before).every(({ reference }) => reference === 'quick.test/app:v1')).toBe(true);
    expect(inspections.length).toBeGreaterThan(before);
    await clock.advance(60 * MINUTE);
    await stop();
  });

  test('an image by digest is inspected once a day', async () => {
    const { clock, inspections, add, stop } = new KeepWarmRig();
    add('a', `registry.test/app@sha256:${'a'.repeat(64)}`);
    await clock.advance(12 * 60 * MINUTE);
    expect(inspections).toHaveLength(1);
    await clock.advance(12 * 60 * MINUTE);
    expect(inspections).toHaveLength(2);
    await stop();
  });

  test.each<[string, Partial<PodFacts>]>([
    ['that are finished', { phase: 'Succeeded' }],
    ['that are being deleted', { deleting: true }],
  ])('images of pods %s are not refreshed', async (_, changes) => {
    const { clock, inspections, add, stop } = new KeepWarmRig();
    add('a', 'registry.test/app:v1', changes);
    await clock.advance(TAG_TTL);
    expect(inspections).toEqual([]);
    await stop();
  });

  test('pods that are evaluated later are detected soon', async () => {
    const { clock, gauges, ungoverned, add, stop } = new KeepWarmRig();
    add('a', 'registry.test/app:v1');
    ungoverned.add('shop/a');
    await clock.advance(1_000);
    ungoverned.clear();
    await clock.advance(10_000);
    expect(gauges.all).toBe(1);
    await stop();
  });

  test('images of pods without policy, and images with an override, are not refreshed', async () => {
    const { clock, inspections, policies, ungoverned, add, stop } = new KeepWarmRig();
    add('a', 'registry.test/app:v1');
    ungoverned.add('shop/a');
    add('b', 'airgap.test/app:v1');
    policies[0] = policy({ images: [{ match: 'airgap.test/*', platforms: ['linux/amd64'] }] });
    await clock.advance(TAG_TTL);
    expect(inspections).toEqual([]);
    await stop();
  });

  test('I5 an image is refreshed once per set of credentials, and once without credentials', async () => {
    const { clock, inspections, secretReads, gauges, cronJobs, add, stop } = new KeepWarmRig();
    add('a', 'registry.test/app:v1');
    add('b', 'registry.test/app:v1', { namespace: 'other' });
    add('c', 'registry.test/app:v1', { pullSecrets: ['regcred'] });
    add('d', 'registry.test/app:v1', { pullSecrets: ['regcred'] });
    cronJobs.push(cronJob('registry.test/app:v1'));
    await clock.advance(TAG_TTL);
    expect(gauges.all).toBe(3);
    expect(new Set(secretReads)).toEqual(
      new Set(['shop: ', 'shop: regcred', 'shop template: {"serviceAccountName":"reporter"}']),
    );
    expect(new Set(inspections.map(({ pullSecrets }) => pullSecrets?.length))).toEqual(new Set([0, 1]));
    await stop();
  });

  test('a hanging read of pull secrets times out, and other images of the registry are refreshed', async () => {
    const { clock, inspections, state, add, stop } = new KeepWarmRig();
    state.secrets = undefined;
    add('a', 'registry.test/private:v1', { pullSecrets: ['regcred'] });
    add('b', 'registry.test/public:v1');
    await clock.advance(TAG_TTL);
    expect(new Set(inspections.map(({ reference }) => reference))).toEqual(new Set(['registry.test/public:v1']));
    await stop();
  });

  test('I4 an image without all credentials is not inspected, and retried', async () => {
    const { clock, inspections, outcomes, state, add, stop } = new KeepWarmRig();
    state.secrets = { secrets: [], complete: false };
    add('a', 'registry.test/app:v1', { pullSecrets: ['regcred'] });
    await clock.advance(TAG_TTL);
    expect(inspections).toEqual([]);
    expect(outcomes).toContain('failed');
    state.secrets = { secrets: [], complete: true };
    await clock.advance(2 * MINUTE);
    expect(inspections).toHaveLength(1);
    await stop();
  });

  test('images of CronJobs are refreshed between their runs, but not of suspended ones', async () => {
    const { clock, inspections, cronJobs, stop } = new KeepWarmRig();
    cronJobs.push(cronJob('registry.test/report:v1'), cronJob('registry.test/old:v1', { suspended: true }));
    await clock.advance(TAG_TTL);
    expect(new Set(inspections.map(({ reference }) => reference))).toEqual(new Set(['registry.test/report:v1']));
    await stop();
  });

  test('K3 images of a pod with more than 256 of them are not refreshed: no decision uses them', async () => {
    const { clock, inspections, add, stop } = new KeepWarmRig();
    const images = Array.from({ length: 257 }, (_, index) => `registry.test/many:${index}`);
    add('large', '', { images });
    add('usual', 'registry.test/app:v1');
    await clock.advance(TAG_TTL);
    expect(new Set(inspections.map(({ reference }) => reference))).toEqual(new Set(['registry.test/app:v1']));
    await stop();
  });

  test('K3 images of a CronJob whose pods have the skip label are not refreshed', async () => {
    const { clock, cronJobs, inspections, add, stop } = new KeepWarmRig();
    cronJobs.push(cronJob('registry.test/report:v1', { podLabels: { 'archpolicy.dev/skip': 'true' } }));
    add('usual', 'registry.test/app:v1');
    await clock.advance(TAG_TTL);
    expect(new Set(inspections.map(({ reference }) => reference))).toEqual(new Set(['registry.test/app:v1']));
    await stop();
  });

  test('an image that is no longer used is not refreshed', async () => {
    const { clock, inspections, gauges, pods, add, stop } = new KeepWarmRig();
    add('a', 'registry.test/app:v1');
    await clock.advance(TAG_TTL);
    pods.length = 0;
    await clock.advance(MINUTE);
    const before = inspections.length;
    await clock.advance(TAG_TTL);
    expect([inspections.length, gauges.all]).toEqual([before, 0]);
    await stop();
  });

  test.each<[string, Inspection, WarmOutcome, number]>([
    ['does not respond', { kind: 'unresolved', reason: 'Unavailable' }, 'failed', 2 * MINUTE],
    ['rejects', { kind: 'unresolved', reason: 'NotFound' }, 'failed', TAG_TTL],
    [
      'returns a retry time',
      { kind: 'unresolved', reason: 'RateLimited', retryAtMs: Date.UTC(2026, 0, 1, 1) },
      'failed',
      30 * MINUTE,
    ],
    [
      'does not confirm the entry',
      { ...(resolved('linux/arm64') as Inspection & { kind: 'resolved' }), ageMs: TAG_TTL },
      'stale',
      2 * MINUTE,
    ],
  ])('an image whose registry %s is retried later', async (_, answer, outcome, atLeastMs) => {
    const { clock, inspections, outcomes, state, add, stop } = new KeepWarmRig();
    state.answer = answer;
    add('a', 'registry.test/app:v1');
    await clock.advance(90 * MINUTE);
    expect(new Set(outcomes)).toEqual(new Set([outcome]));
    const gaps = inspections.slice(1).map(({ atMs }, index) => atMs - (inspections[index]?.atMs ?? 0));
    expect(gaps.length).toBeGreaterThan(0);
    expect(Math.max(...gaps)).toBeGreaterThanOrEqual(atLeastMs);
    await stop();
  });

  test('P8 at most ten thousand images are refreshed', async () => {
    const { clock, pods, gauges, add, stop } = new KeepWarmRig();
    add('template', 'registry.test/app:v1');
    const [template] = pods;
    for (let number = 0; number < 10_100 && template !== undefined; number += 1) {
      pods.push({ ...template, name: `pod-${number}`, images: [`registry.test/app-${number}:v1`] });
    }
    await clock.advance(5_000);
    for (let rounds = 0; gauges.all === 0 && rounds < 100; rounds += 1) await clock.advance(1_000);
    expect(gauges.all).toBe(10_000);
    await stop();
  });
});
