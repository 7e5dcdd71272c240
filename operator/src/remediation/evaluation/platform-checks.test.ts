import { describe, expect, test } from '@jest/globals';
import type { PodFacts, SuspectPlatform } from '@archpolicy/core';
import { PullSecretContent } from '@archpolicy/cluster-view';
import type { PlatformCheck, PlatformCheckRequest } from '@archpolicy/registry';
import { FakeClock } from '@archpolicy/testkit';
import { crashLoopingPod, silent } from '../../fixtures/objects.ts';
import { RegistryPlatformChecks } from './platform-checks.ts';

const MINUTE = 60_000;
const SECRET = new PullSecretContent('shop', 'kubernetes.io/dockercfg', '{}');

const suspect = (image = 'registry.test/web:v1'): SuspectPlatform => ({
  image,
  digest: `sha256:${'0'.repeat(64)}`,
  os: 'linux',
  architecture: 'amd64',
});

/** Checks whose results the test sets. */
class Checks {
  readonly clock = new FakeClock();
  readonly requests: PlatformCheckRequest[] = [];
  readonly read: string[] = [];
  complete = true;
  result: () => Promise<PlatformCheck> = () => Promise.resolve('missing');
  readonly #checks = new RegistryPlatformChecks({
    inspector: {
      checkPlatform: (request) => {
        this.requests.push(request);
        return this.result();
      },
    },
    pullSecrets: {
      read: (namespace, names) => {
        this.read.push(...names.map((name) => `${namespace}/${name}`));
        return Promise.resolve({ secrets: [SECRET], complete: this.complete });
      },
    },
    clock: this.clock,
    logger: silent,
  });

  /** Requests the checks of a pod, and waits for the available results. */
  async request(suspects: readonly SuspectPlatform[], changes: Partial<PodFacts> = {}): Promise<void> {
    this.#checks.request(crashLoopingPod('a', changes), suspects, new AbortController().signal);
    await this.clock.advance(0);
  }
}

const images = (count: number): readonly SuspectPlatform[] =>
  Array.from({ length: count }, (_, at) => suspect(`registry.test/web:v${at}`));

describe('checks of platforms', () => {
  test('I9 I5 a check uses the pull secrets of the pod', async () => {
    const checks = new Checks();
    await checks.request([suspect()], { pullSecrets: ['b', 'a'] });
    const { digest, os, architecture, image: reference } = suspect();
    expect(checks.requests).toEqual([{ reference, digest, os, architecture, pullSecrets: [SECRET], tenant: 'shop' }]);
    expect(checks.read).toEqual(['shop/b', 'shop/a']);
  });

  test('I9 I4 without all pull secrets no check is made', async () => {
    const checks = new Checks();
    checks.complete = false;
    await checks.request([suspect()], { pullSecrets: ['a'] });
    expect(checks.requests).toEqual([]);
  });

  test.each<[string, () => Promise<PlatformCheck>, number]>([
    ['with a result, an hour', () => Promise.resolve('available'), 60],
    ['that found it missing, an hour', () => Promise.resolve('missing'), 60],
    ['without a result, five minutes', () => Promise.resolve('unknown'), 5],
    ['that threw, five minutes', () => Promise.reject(new Error('a defect')), 5],
  ])('I9 the next check of the same platform follows a check %s later', async (_, result, minutes) => {
    const checks = new Checks();
    checks.result = result;
    await checks.request([suspect()]);
    await checks.clock.advance(minutes * MINUTE - 1);
    await checks.request([suspect()]);
    expect(checks.requests).toHaveLength(1);
    await checks.clock.advance(1);
    await checks.request([suspect()]);
    expect(checks.requests).toHaveLength(2);
  });

  test('I9 another namespace, whose credential may differ, and another digest are checked separately', async () => {
    const checks = new Checks();
    await checks.request([suspect()]);
    await checks.request([suspect()], { namespace: 'other' });
    await checks.request([{ ...suspect(), digest: `sha256:${'1'.repeat(64)}` }]);
    expect(checks.requests).toHaveLength(3);
  });

  test('I9 a namespace gets 20 checks an hour, for any number of images, and does not reduce those of others', async () => {
    const checks = new Checks();
    for (const one of images(30)) await checks.request([one]);
    expect(checks.requests).toHaveLength(20);
    await checks.request([suspect()], { namespace: 'other' });
    expect(checks.requests).toHaveLength(21);
    await checks.clock.advance(60 * MINUTE);
    for (const one of images(30)) await checks.request([one]);
    expect(checks.requests).toHaveLength(41);
  });

  test('I9 all namespaces together get 1,000 checks an hour', async () => {
    const checks = new Checks();
    for (let at = 0; at < 1_010; at += 1) await checks.request([suspect()], { namespace: `team-${at}` });
    expect(checks.requests).toHaveLength(1_000);
  });

  test('I9 four checks of different namespaces run concurrently; the pods request the others again', async () => {
    const checks = new Checks();
    const ends: ((result: PlatformCheck) => void)[] = [];
    checks.result = () => new Promise((resolve) => ends.push(resolve));
    const namespaces = ['shop', 'a', 'b', 'c', 'd', 'e'];
    for (const namespace of namespaces) await checks.request(images(6), { namespace });
    expect(checks.requests).toHaveLength(4);
    for (const end of ends) end('available');
    await checks.clock.advance(0);
    for (const namespace of namespaces) await checks.request(images(6), { namespace });
    expect(checks.requests).toHaveLength(8);
  });

  test('I9 a namespace whose registry does not answer does not block the checks of other namespaces', async () => {
    const checks = new Checks();
    checks.result = () => new Promise(() => undefined);
    await checks.request(images(30));
    checks.result = () => Promise.resolve('available');
    const before = checks.requests.length;
    await checks.request([suspect()], { namespace: 'other' });
    expect(checks.requests).toHaveLength(before + 1);
  });

  test('I9 checks without a result count for an hour, too: each can last as long as its deadline', async () => {
    const checks = new Checks();
    checks.result = () => Promise.resolve('unknown');
    for (let minute = 0; minute < 60; minute += 5) {
      for (const one of images(30)) await checks.request([one]);
      await checks.clock.advance(5 * MINUTE);
    }
    expect(checks.requests).toHaveLength(20);
    for (const one of images(30)) await checks.request([one]);
    expect(checks.requests).toHaveLength(40);
  });
});
