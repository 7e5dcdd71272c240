import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '@archpolicy/core';
import { RawPods } from './raw-pods.ts';

function pod(
  name: string,
  resourceVersion: string,
  gates: readonly string[] = ['archpolicy.dev/inspecting'],
): JsonObject {
  return {
    metadata: { namespace: 'shop', name, resourceVersion },
    spec: { schedulingGates: gates.map((gate) => ({ name: gate })) },
  };
}

describe('gated pods kept whole', () => {
  test('are those behind our gate, in the version that the watch shows', () => {
    const raw = new RawPods();
    const web = pod('web', '5');
    raw.see(web);
    raw.see(pod('other', '6', ['corp/quota']));
    raw.see(pod('plain', '7', []));
    expect(raw.size).toBe(1);
    expect(raw.get('shop/web', '5')).toBe(web);
    expect(raw.get('shop/web', '4')).toBeUndefined();
    expect(raw.get('shop/other', '6')).toBeUndefined();
  });

  test('are forgotten with their gate, and when they are gone', () => {
    const raw = new RawPods();
    raw.see(pod('web', '5'));
    raw.see(pod('db', '6'));
    raw.see(pod('web', '7', []));
    raw.drop('shop/db');
    expect(raw.size).toBe(0);
  });

  test('one that was read again counts until the watch shows something newer', () => {
    const raw = new RawPods();
    raw.see(pod('web', '5'));
    const read = pod('web', '8');
    raw.keep('shop/web', '5', read);
    expect(raw.get('shop/web', '5')).toBe(read);
    expect(raw.get('shop/web', '8')).toBe(read);
    expect(raw.get('shop/web', '9')).toBeUndefined();
  });

  test('are so many and not more: those that came first', () => {
    const raw = new RawPods();
    for (let i = 0; i < 2_100; i += 1) raw.see(pod(`web-${i}`, '5'));
    expect(raw.size).toBe(2_000);
    expect(raw.get('shop/web-0', '5')).toBeDefined();
    raw.see(pod('web-0', '6'));
    expect(raw.get('shop/web-0', '6')).toBeDefined();
  });
});
