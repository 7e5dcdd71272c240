import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { JsonObject } from '../json/json.ts';
import { parseQuantityMilli } from './quantity.ts';
import { hasRoom, nodeAllocatable, podRequests, sumRequests } from './requests.ts';

describe('quantities', () => {
  test.each<[string, number | undefined]>([
    ['1', 1_000],
    ['250m', 250],
    ['0.1', 100],
    ['1.5', 1_500],
    ['.5', 500],
    ['5.', 5_000],
    ['100u', 1],
    ['1n', 1],
    ['0', 0],
    ['64Mi', 67_108_864_000],
    ['1Ki', 1_024_000],
    ['2G', 2_000_000_000_000],
    ['1e3', 1_000_000],
    ['12E2', 1_200_000],
    ['1E', 1e21],
    ['-1', -1_000],
    ['', undefined],
    ['m', undefined],
    ['1 Gi', undefined],
    ['1mi', undefined],
    ['1e999', undefined],
    ['0x10', undefined],
    ['NaN', undefined],
  ])('R9 %s', (text, milli) => {
    expect(parseQuantityMilli(text)).toBe(milli);
  });

  test('R9 whole thousandths are exact in all notations', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e9 }), (milli) => {
        expect(parseQuantityMilli(`${milli}m`)).toBe(milli);
        expect(parseQuantityMilli((milli / 1_000).toFixed(3))).toBe(milli);
      }),
    );
  });
});

const one = (cpu: string, more: JsonObject = {}): JsonObject => ({ resources: { requests: { cpu } }, ...more });
const sidecar = (cpu: string): JsonObject => one(cpu, { restartPolicy: 'Always' });

describe('podRequests', () => {
  test.each<[string, JsonObject, number | undefined]>([
    ['nothing is requested', { containers: [{}] }, undefined],
    ['the sum over its containers', { containers: [one('1'), one('500m')] }, 1_500],
    [
      'limits alone: the API server has copied them to the requests',
      { containers: [{ resources: { limits: { cpu: '1' } } }] },
      undefined,
    ],
    ['an init container that takes less', { containers: [one('2')], initContainers: [one('1')] }, 2_000],
    ['an init container that takes more', { containers: [one('1')], initContainers: [one('3'), one('2')] }, 3_000],
    ['a sidecar is added to the containers', { containers: [one('1')], initContainers: [sidecar('1')] }, 2_000],
    [
      'an init container beside the sidecar before it',
      { containers: [one('1')], initContainers: [sidecar('1'), one('3')] },
      4_000,
    ],
    [
      'an init container is done before the sidecar behind it',
      { containers: [one('1')], initContainers: [one('3'), sidecar('1')] },
      3_000,
    ],
    ['two sidecars', { containers: [one('1')], initContainers: [sidecar('1'), one('1'), sidecar('2')] }, 4_000],
    ['pod-level requests come in place of the containers’', { ...one('5'), containers: [one('1'), one('1')] }, 5_000],
    ['overhead is added', { containers: [one('1')], overhead: { cpu: '250m' } }, 1_250],
    ['and to pod-level requests as well', { ...one('5'), containers: [one('1')], overhead: { cpu: '250m' } }, 5_250],
    ['a quantity that cannot be read', { containers: [one('many'), one('1')] }, 1_000],
    ['fields of another type', { containers: [{ resources: [] }, 7], initContainers: 'x', overhead: 1 }, undefined],
  ])('R9 %s', (_, spec, cpu) => {
    expect(podRequests(spec)['cpu']).toBe(cpu);
  });

  test('R9 pod-level requests set cpu, memory and huge pages only', () => {
    const requests = { cpu: '1', 'hugepages-2Mi': '2Mi', 'nvidia.com/gpu': '4' };
    const spec = { resources: { requests }, containers: [{ resources: { requests: { 'nvidia.com/gpu': '1' } } }] };
    expect(podRequests(spec)).toEqual({ cpu: 1_000, 'hugepages-2Mi': 2_097_152_000, 'nvidia.com/gpu': 1_000 });
  });
});

describe('podRequests with very many resources', () => {
  const many = (count: number, amount: string): Record<string, string> =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`example.com/r${at}`, amount]));

  test('P8 R9 reads thousands of names and init containers in one pass', () => {
    const spec = {
      containers: [{ resources: { requests: { ...many(10, '1'), cpu: '2' } } }],
      initContainers: [
        { restartPolicy: 'Always', resources: { requests: many(8_000, '1') } },
        ...Array.from({ length: 5_000 }, () => one('1')),
      ],
    };
    const requests = podRequests(spec);
    expect(Object.keys(requests).length).toBe(64);
    expect(requests).toMatchObject({ cpu: 2_000, 'example.com/r0': 2_000, 'example.com/r40': 1_000 });
  });

  test('R9 keeps resources of all nodes before invented ones', () => {
    const requests = podRequests({ containers: [{ resources: { requests: { ...many(200, '1'), memory: '1' } } }] });
    expect(requests['memory']).toBe(1_000);
  });

  test('R9 drops amounts of zero', () => {
    expect(podRequests({ containers: [{ resources: { requests: many(3, '0') } }] })).toEqual({});
  });

  /** A naive implementation, as in the scheduler's helper. */
  function reference(containers: readonly JsonObject[], initContainers: readonly JsonObject[]): number {
    const getCpu = (container: JsonObject): number => podRequests({ containers: [container] })['cpu'] ?? 0;
    let sidecars = 0;
    let initial = 0;
    for (const container of initContainers) {
      initial = Math.max(initial, sidecars + getCpu(container));
      if (container['restartPolicy'] === 'Always') sidecars += getCpu(container);
    }
    return Math.max(
      containers.reduce((sum, container) => sum + getCpu(container), sidecars),
      initial,
    );
  }

  test('R9 agrees with the naive implementation for any order of init containers and sidecars', () => {
    const cpu = fc.integer({ min: 0, max: 9 }).map(String);
    const initContainer = fc.oneof(
      cpu.map((amount) => one(amount)),
      cpu.map(sidecar),
    );
    fc.assert(
      fc.property(fc.array(cpu.map((amount) => one(amount))), fc.array(initContainer), (containers, initContainers) => {
        expect(podRequests({ containers, initContainers })['cpu'] ?? 0).toBe(reference(containers, initContainers));
      }),
    );
  });
});

describe('hasRoom', () => {
  const node = nodeAllocatable({ allocatable: { cpu: '4', memory: '1Gi', pods: '3' } });
  const cpu = (amount: string) => podRequests({ containers: [one(amount)] });

  test.each<[string, boolean, boolean]>([
    ['nothing is requested', hasRoom({}, node, sumRequests([])), true],
    ['all of it', hasRoom(cpu('4'), node, sumRequests([])), true],
    ['more than it has', hasRoom(cpu('4001m'), node, sumRequests([])), false],
    ['what others leave', hasRoom(cpu('1'), node, sumRequests([cpu('3')])), true],
    ['more than others leave', hasRoom(cpu('1'), node, sumRequests([cpu('1500m'), cpu('1501m')])), false],
    ['a resource that it does not have', hasRoom({ 'nvidia.com/gpu': 1_000 }, node, sumRequests([])), false],
    ['none of a resource that it does not have', hasRoom({ 'nvidia.com/gpu': 0 }, node, sumRequests([])), true],
    ['one pod more than it takes', hasRoom({}, node, sumRequests([{}, {}, {}])), false],
    ['what it has is not known', hasRoom(cpu('4'), nodeAllocatable({}), sumRequests([cpu('99')])), true],
    ['it is overcommitted in another resource', hasRoom(cpu('1'), node, sumRequests([{ memory: 1e15 }])), true],
    ['a name of every object', hasRoom({ constructor: 1 }, node, sumRequests([])), false],
  ])('R9 %s', (_, actual, expected) => {
    expect(actual).toBe(expected);
  });
});
