import { describe, expect, test } from '@jest/globals';
import type { Inspection } from '@archpolicy/core';
import type { PullSecret } from '@archpolicy/registry';
import { FakeClock } from '@archpolicy/testkit';
import { Inspections } from './inspections.ts';
import { runsOn, ScriptedInspector, unresolved } from './fixtures/scripted-inspector.ts';
import { inspectionKey, listPendingImages } from './pending-images.ts';
import type { PendingImage } from './pending-images.ts';

const web: PendingImage = { image: 'web', pullPolicy: 'IfNotPresent', namespace: 'shop', pullSecrets: [] };
const db: PendingImage = { ...web, image: 'db' };

class Scene {
  readonly clock = new FakeClock();
  readonly inspector = new ScriptedInspector();
  readonly notified: string[] = [];
  readonly reads: string[] = [];
  failing = false;
  readonly inspections = new Inspections({
    inspector: this.inspector,
    pullSecrets: {
      read: (namespace, names) => {
        this.reads.push([namespace, ...names].join('/'));
        return this.failing ? Promise.reject(new Error('no')) : Promise.resolve([SECRET]);
      },
    },
    clock: this.clock,
    random: () => 0,
    logger: { warn: () => undefined },
    onResult: (pods) => this.notified.push([...pods].join(' ')),
  });

  /** Yields to pending work. */
  readonly settle = async (): Promise<void> => {
    await this.clock.advance(0);
    await this.clock.advance(0);
  };
}

const SECRET: PullSecret = { type: 'kubernetes.io/dockerconfigjson', json: '{}' };

function kinds(answers: ReadonlyMap<string, Inspection>): Record<string, string> {
  return Object.fromEntries([...answers].map(([image, { kind }]) => [image, kind]));
}

describe('inspections of the images of gated pods', () => {
  test('PL12 all waiting pods share one inspection and are notified', async () => {
    const { inspections, inspector, notified, settle } = new Scene();
    expect(kinds(inspections.register('a', [web]))).toEqual({});
    expect(kinds(inspections.register('b', [web, db]))).toEqual({});
    inspector.answer('web', runsOn('linux/arm64'));
    await settle();
    expect(notified).toEqual(['a b']);
    expect(kinds(inspections.register('b', [web, db]))).toEqual({ web: 'resolved' });
    expect(inspector.asked('web')).toBe(1);
  });

  test('K5 each namespace has its own inspection of an image', () => {
    const { inspections, inspector } = new Scene();
    inspections.register('a', [web]);
    inspections.register('b', [{ ...web, namespace: 'bank' }]);
    expect(inspector.requests.map(({ tenant }) => tenant)).toEqual(['shop', 'bank']);
  });

  test('PL9 a pod is notified of each result that may change', async () => {
    const { inspections, inspector, notified, settle, clock } = new Scene();
    inspector.answer('web', unresolved('Unavailable'));
    inspections.register('a', [web]);
    await settle();
    expect(kinds(inspections.register('a', [web]))).toEqual({ web: 'unresolved' });
    inspector.answer('web', runsOn('linux/arm64'));
    await clock.advance(500);
    expect(notified).toEqual(['a', 'a']);
    expect(kinds(inspections.register('a', [web]))).toEqual({ web: 'resolved' });
  });

  test('PL9 without waiting pods the inspection is aborted, and a later pod starts a new one', async () => {
    const { inspections, inspector, settle, clock } = new Scene();
    inspector.answer('web', unresolved('Unavailable'));
    inspections.register('a', [web]);
    inspections.register('b', [web]);
    await settle();
    inspections.release('a');
    expect(inspections.size).toBe(1);
    inspections.release('b');
    inspections.release('b');
    expect(inspections.size).toBe(0);
    await clock.advance(60_000);
    expect(inspector.asked('web')).toBe(1);
    inspections.register('c', [web]);
    expect(inspector.asked('web')).toBe(2);
  });

  test('a pod that asks for other images releases its earlier ones', () => {
    const { inspections } = new Scene();
    inspections.register('a', [web, db]);
    inspections.register('a', [db]);
    expect(inspections.size).toBe(1);
    inspections.stop();
    expect(inspections.size).toBe(0);
  });

  test('P4 pods with other credentials have their own inspection', async () => {
    const { inspections, inspector, reads, settle } = new Scene();
    inspections.register('a', [web]);
    inspections.register('b', [{ ...web, namespace: 'other' }]);
    inspections.register('c', [{ ...web, pullSecrets: ['s'] }]);
    inspections.register('d', [{ ...web, pullSecrets: ['s'], namespace: 'other' }]);
    inspections.register('e', [{ ...web, pullSecrets: ['s'] }]);
    await settle();
    expect(inspector.asked('web')).toBe(4);
    expect(reads).toEqual(['shop/s', 'other/s']);
    expect(inspector.requests.map(({ pullSecrets }) => pullSecrets)).toEqual([[], [], [SECRET], [SECRET]]);
  });

  test('PL9 a failed read of secrets is retried', async () => {
    const made = new Scene();
    made.failing = true;
    made.inspector.answer('web', runsOn('linux/arm64'));
    made.inspections.register('a', [{ ...web, pullSecrets: ['s'] }]);
    await made.settle();
    expect(kinds(made.inspections.register('a', [{ ...web, pullSecrets: ['s'] }]))).toEqual({ web: 'unresolved' });
    made.failing = false;
    await made.clock.advance(500);
    expect(made.notified).toEqual(['a', 'a']);
  });
});

describe('the inspections of a pod', () => {
  test('contain each image once, with the names of its pull secrets', () => {
    const spec = {
      imagePullSecrets: [{ name: 'a' }, { name: '' }, 'b', { name: 'c' }],
      containers: [
        { image: 'web', imagePullPolicy: 'IfNotPresent' },
        { image: 'db', imagePullPolicy: 'Always' },
      ],
      initContainers: [{ image: 'web', imagePullPolicy: 'Always' }],
      volumes: [{ image: { reference: 'data', pullPolicy: 'Always' } }, { emptyDir: {} }],
    };
    const wanted = listPendingImages({ spec }, 'shop', ['web', 'db', 'data', 'other']);
    expect(wanted.map(({ image, pullPolicy }) => `${image} ${pullPolicy}`)).toEqual([
      'web Always',
      'db Always',
      'data Always',
      'other IfNotPresent',
    ]);
    expect(wanted[0]?.pullSecrets).toEqual(['a', 'c']);
  });

  test('have unambiguous keys', () => {
    const keys = [
      { ...web, pullSecrets: ['a', 'b'] },
      { ...web, pullSecrets: ['b', 'a'] },
      { ...web, pullSecrets: ['a,b'] },
      { ...web, namespace: 'a', pullSecrets: ['b'] },
      { ...web, namespace: 'other' },
      { ...web, pullPolicy: 'Always' },
      web,
    ].map(inspectionKey);
    expect(new Set(keys).size).toBe(keys.length);
  });
});
