import { expect, test } from '@jest/globals';
import { MAX_RELAXED_OWNERS } from '@archpolicy/core';
import type { ArchPolicy } from '@archpolicy/core';
import { policy } from '../fixtures/objects.ts';
import { Relaxations } from './relaxations.ts';

const NOW = Date.UTC(2026, 0, 1, 12);
const HOUR = 3_600_000;
const stored = (relaxed: readonly { readonly owner: string; readonly until: string }[]): ArchPolicy =>
  policy({}, 'default', { status: { relaxed: relaxed.map((entry) => ({ ...entry })) } });

test('R9 what was asked for is in the status until its time is over, and what a predecessor wrote as well', () => {
  const relaxations = new Relaxations();
  const before = stored([
    { owner: 'shop/Deployment/old', until: '2026-01-01T12:30:00Z' },
    { owner: 'shop/Deployment/over', until: '2026-01-01T11:59:59Z' },
  ]);
  relaxations.relax('default', 'shop/Deployment/new', NOW + HOUR);
  const both = [
    { owner: 'shop/Deployment/new', until: '2026-01-01T13:00:00Z' },
    { owner: 'shop/Deployment/old', until: '2026-01-01T12:30:00Z' },
  ];
  expect(relaxations.of(before, NOW)).toEqual(both);
  // Our own write has come back.
  expect(relaxations.of(stored(both), NOW + 1)).toEqual(both);
  expect(relaxations.of(stored(both), NOW + HOUR)).toEqual([]);
  expect(new Relaxations().of(policy({}), NOW)).toEqual([]);
});

test('R9 another policy is not concerned, nor one that was made again', () => {
  const relaxations = new Relaxations();
  relaxations.relax('another', 'shop/Deployment/web', NOW + HOUR);
  expect(relaxations.of(policy({}), NOW)).toEqual([]);
  relaxations.forget('another');
  expect(relaxations.of(policy({}, 'another'), NOW)).toEqual([]);
});

test('R9 the list is bounded: who is in it stays', () => {
  const relaxations = new Relaxations();
  const relaxed = Array.from({ length: MAX_RELAXED_OWNERS }, (_, index) => ({
    owner: `shop/Deployment/${index}`,
    until: '2026-01-01T13:00:00Z',
  }));
  for (let index = 0; index < 1_000; index += 1) relaxations.relax('default', `new/Deployment/${index}`, NOW + HOUR);
  const owners = relaxations.of(stored(relaxed), NOW).map(({ owner }) => owner);
  expect(owners).toHaveLength(MAX_RELAXED_OWNERS);
  expect(owners.every((owner) => owner.startsWith('shop/'))).toBe(true);
});
