import { describe, expect, test } from '@jest/globals';
import type { Inspection } from '@archpolicy/core';
import type { PullSecret } from '@archpolicy/registry';
import { FakeClock } from '@archpolicy/testkit';
import { Inspections } from './inspections.ts';
import { runsOn, ScriptedInspector, unresolved } from './fixtures/scripted-inspector.ts';
import { inspectionKey, wantedImages } from './wanted-images.ts';
import type { WantedImage } from './wanted-images.ts';

const web: WantedImage = { image: 'web', pullPolicy: 'IfNotPresent', namespace: 'shop', pullSecrets: [] };
const db: WantedImage = { ...web, image: 'db' };

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
    onAnswer: (pods) => this.notified.push([...pods].join(' ')),
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
    expect(kinds(inspections.ask('a', [web]))).toEqual({});
    expect(kinds(inspections.ask('b', [web, db]))).toEqual({});
    inspector.answer('web', runsOn('linux/arm64'));
    await settle();
    expect(notified).toEqual(['a b']);
    expect(kinds(inspections.ask('b', [web, db]))).toEqual({ web: 'resolved' });
    expect(inspector.asked('web')).toBe(1);
  });

  test('PL9 a pod is notified of each result that may change', async () => {
    const { inspections, inspector, notified, settle, clock } = new Scene();
    inspector.answer('web', unresolved('Unavailable'));
    inspections.ask('a', [web]);
    await settle();
    expect(kinds(inspections.ask('a', [web]))).toEqual({ web: 'unresolved' });
    inspector.answer('web', runsOn('linux/arm64'));
    await clock.advance(500);
    expect(notified).toEqual(['a', 'a']);
    expect(kinds(inspections.ask('a', [web]))).toEqual({ web: 'resolved' });
  });

  test('PL9 without waiting pods the inspection is aborted, and a later pod starts a new one', async () => {
    const { inspections, inspector, settle, clock } = new Scene();
    inspector.answer('web', unresolved('Unavailable'));
    inspections.ask('a', [web]);
    inspections.ask('b', [web]);
    await settle();
    inspections.leave('a');
    expect(inspections.size).toBe(1);
    inspections.leave('b');
    inspections.leave('b');
    expect(inspections.size).toBe(0);
    await clock.advance(60_000);
    expect(inspector.asked('web')).toBe(1);
    inspections.ask('c', [web]);
    expect(inspector.asked('web')).toBe(2);
  });

  test('a pod that asks for other images releases its earlier ones', () => {
    const { inspections } = new Scene();
    inspections.ask('a', [web, db]);
    inspections.ask('a', [db]);
    expect(inspections.size).toBe(1);
    inspections.stop();
    expect(inspections.size).toBe(0);
  });

  test('P4 pods with other credentials have their own inspection', async () => {
    const { inspections, inspector, reads, settle } = new Scene();
    inspections.ask('a', [web]);
    inspections.ask('b', [{ ...web, namespace: 'other' }]);
    inspections.ask('c', [{ ...web, pullSecrets: ['s'] }]);
    inspections.ask('d', [{ ...web, pullSecrets: ['s'], namespace: 'other' }]);
    inspections.ask('e', [{ ...web, pullSecrets: ['s'] }]);
    await settle();
    expect(inspector.asked('web')).toBe(3);
    expect(reads).toEqual(['shop/s', 'other/s']);
    expect(inspector.requests.map(({ pullSecrets }) => pullSecrets)).toEqual([[], [SECRET], [SECRET]]);
  });

  test('PL9 a failed read of secrets is retried', async () => {
    const made = new Scene();
    made.failing = true;
    made.inspector.answer('web', runsOn('linux/arm64'));
    made.inspections.ask('a', [{ ...web, pullSecrets: ['s'] }]);
    await made.settle();
    expect(kinds(made.inspections.ask('a', [{ ...web, pullSecrets: ['s'] }]))).toEqual({ web: 'unresolved' });
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
    const wanted = wantedImages({ spec }, 'shop', ['web', 'db', 'data', 'other']);
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
      { ...web, pullPolicy: 'Always' },
      web,
    ].map(inspectionKey);
    expect(new Set(keys).size).toBe(keys.length);
    expect(inspectionKey({ ...web, namespace: 'other' })).toBe(inspectionKey(web));
  });
});
