import { describe, expect, test } from '@jest/globals';
import type { Json, JsonObject } from '../json/json.ts';
import { readPodLabels, selectableValue } from './labels.ts';
import { isObjectName, podImages, podOsName, pullSecretNames, readPodSpec } from './pod-spec.ts';
import { getLabel } from '../json/read.ts';

describe('readPodSpec', () => {
  test('PL4 reads the facts for placement and remediation', () => {
    const required = {
      nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: ['a'] }] }],
    };
    const pod: JsonObject = {
      spec: {
        nodeName: 'n1',
        containers: [{ image: 'one' }, { image: 'two' }],
        initContainers: [{ image: 'three', restartPolicy: 'Always' }, { image: 'one' }],
        ephemeralContainers: [{ image: 'debugger' }],
        volumes: [
          { name: 'v', image: { reference: 'four' } },
          { name: 'w', emptyDir: {} },
        ],
        nodeSelector: { disk: 'ssd' },
        affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } },
        tolerations: [{ key: 'k', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 3 }],
        schedulingGates: [{ name: 'g' }],
      },
    };
    expect(readPodSpec(pod)).toEqual({
      nodeName: 'n1',
      images: ['one', 'two', 'three', 'four'],
      volumeImages: ['four'],
      nodeSelector: { disk: 'ssd' },
      requiredAffinity: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: ['a'] }], matchFields: [] }],
      },
      tolerations: [{ key: 'k', operator: 'Exists', effect: 'NoExecute' }],
      schedulingGates: ['g'],
    });
  });

  test('PL4 reads fields of another type as absent', () => {
    const empty = { images: [], nodeSelector: {}, tolerations: [], schedulingGates: [] };
    expect(readPodSpec({})).toEqual(empty);
    expect(readPodSpec({ spec: null })).toEqual(empty);
    expect(
      readPodSpec({
        spec: {
          nodeName: 1,
          os: 'windows',
          containers: [null, 'x', { image: 1 }, { image: '' }],
          initContainers: {},
          volumes: [{ image: 'four' }, 1],
          nodeSelector: { a: 1 },
          affinity: [],
          tolerations: [1, null],
          schedulingGates: [{ name: 1 }, 'g'],
        },
      }),
    ).toEqual(empty);
  });

  test('PL5 malformed required affinity matches no node', () => {
    const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: 'all' } } };
    expect(readPodSpec({ spec: { affinity } })).toMatchObject({ requiredAffinity: { nodeSelectorTerms: [] } });
  });
});

describe('podOsName', () => {
  test.each<[JsonObject, string | undefined]>([
    [{}, undefined],
    [{ os: { name: 'windows' } }, 'windows'],
    [{ os: {} }, undefined],
    [{ os: 'windows' }, undefined],
  ])('PL4 %j names %s', (spec, os) => {
    expect(podOsName(spec)).toBe(os);
  });
});

test('PL4 images keep the order of their first mention', () => {
  const spec = { containers: [{ image: 'b' }, { image: 'a' }, { image: 'b' }], initContainers: [{ image: 'a' }] };
  expect(podImages(spec)).toEqual(['b', 'a']);
});

test('PL3 inherited property names are ordinary labels', () => {
  expect(getLabel({}, 'constructor')).toBeUndefined();
  const labels = JSON.parse('{"__proto__":"x","y":1}') as JsonObject;
  expect(selectableValue(readPodLabels({ metadata: { labels } }), '__proto__')).toBe('x');
});

describe('pull secrets', () => {
  test.each<[string, Json, string[]]>([
    ['in their order', [{ name: 'b' }, { name: 'a.corp-1' }], ['b', 'a.corp-1']],
    ['each once', [{ name: 'b' }, { name: 'a' }, { name: 'b' }], ['b', 'a']],
    ['up to the limit', Array.from({ length: 20 }, (_, i) => ({ name: `s${i}` })), names(16)],
    [
      'without entries of another shape',
      [null, 'x', { name: 1 }, { name: '' }, [{ name: 'x' }], { name: 'good' }],
      ['good'],
    ],
    ['none', {}, []],
  ])('I5 are read: %s', (_, imagePullSecrets, expected) => {
    expect(pullSecretNames({ imagePullSecrets })).toEqual(expected);
  });

  test.each([
    '..',
    '.',
    'a/b',
    '../../pods/x',
    'a..b',
    'A',
    'a_b',
    '-a',
    'a-',
    'a?watch=true',
    'a%2fb',
    'x'.repeat(254),
  ])('P4 %s is not an object name and is not requested', (name) => {
    expect(isObjectName(name)).toBe(false);
    expect(pullSecretNames({ imagePullSecrets: [{ name }] })).toEqual([]);
  });
});

function names(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `s${i}`);
}
