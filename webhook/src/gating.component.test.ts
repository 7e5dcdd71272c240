import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '@archpolicy/async';
import type { JsonObject } from '@archpolicy/core';
import { createWorld, LEASES_PATH } from '@archpolicy/testkit';
import type { World } from '@archpolicy/testkit';
import { runWebhook } from './app.ts';
import { body, container, pod, review } from './fixtures/reviews.ts';
import { TlsClient } from './fixtures/tls-client.ts';

const JOBS = '/apis/batch/v1/jobs';

let world: World;
let client: TlsClient;
let stop: AbortController;
let running: Promise<void>;
let renewals = 0;

// Real time: the Lease is polled every 2 s.
jest.setTimeout(60_000);

/** Returns the body of the ops server's response, or '' without a connection. */
const ops = async (path: string): Promise<string> => {
  const response = await fetch(`http://127.0.0.1:${world.opsPort}${path}`).catch(() => undefined);
  return response?.ok === true ? response.text() : '';
};
const until = async (holds: () => Promise<boolean>): Promise<void> => {
  while (!(await holds())) await sleep(50);
};
const canGate = async (): Promise<boolean> => /^archpolicy_admission_can_gate 1$/mu.test(await ops('/metrics'));

/** Writes the operator's Lease. An empty holder releases it. */
const lease = (holderIdentity: string): void => {
  renewals += 1;
  const spec = { holderIdentity, leaseDurationSeconds: 15, renewTime: `2026-01-01T00:00:00.${renewals}Z` };
  const metadata = { name: 'archpolicy-operator', namespace: 'archpolicy-system' };
  world.api.collection(LEASES_PATH).put({ metadata, spec });
};

/** Whether the webhook gates the pod. */
const isGated = async (image: string, metadata: JsonObject = {}): Promise<boolean> => {
  const object = pod({ containers: [container(`${world.registry.host}/${image}`)] }, metadata);
  const answer = await client.send({ body: body(review(object)) });
  const { response } = JSON.parse(answer.body) as { response: { allowed: boolean; patch?: string } };
  expect(response.allowed).toBe(true);
  return Buffer.from(response.patch ?? '', 'base64')
    .toString()
    .includes('[{"name":"archpolicy.dev/inspecting"}]');
};

beforeEach(async () => {
  world = await createWorld();
  world.registry.fault = () => ({ kind: 'hang' });
  client = new TlsClient(world.port, world.authority.certificate);
  stop = new AbortController();
  const env = { ...world.env, ARCHPOLICY_INSPECTION_BUDGET: '50ms' };
  running = runWebhook({ env, signal: stop.signal, clock: systemClock() });
  await Promise.race([until(async () => (await ops('/readyz')) !== ''), running]);
});

afterEach(async () => {
  client.close();
  stop.abort();
  await running;
  await world.end();
});

test('PL9 pods are gated only while the operator renews its Lease', async () => {
  // A Lease that was not renewed since the start may belong to a crashed operator.
  lease('operator-1');
  expect(await isGated('app:1')).toBe(false);
  await until(async () => {
    lease('operator-1');
    return canGate();
  });
  expect(await isGated('app:1')).toBe(true);

  const job = { kind: 'Job', metadata: { name: 'nightly', namespace: 'shop' }, spec: { activeDeadlineSeconds: 60 } };
  const { metadata } = world.api.collection(JOBS).put(job) as { metadata: { uid: string } };
  const owner = { apiVersion: 'batch/v1', kind: 'Job', name: 'nightly', uid: metadata.uid, controller: true };
  // A Job with a short deadline, another Job of the same name, and a Job with a long deadline.
  await until(async () => !(await isGated('app:1', { ownerReferences: [owner] })));
  expect(await isGated('app:1', { ownerReferences: [{ ...owner, uid: 'another' }] })).toBe(false);
  world.api.collection(JOBS).put({ ...job, metadata, spec: { activeDeadlineSeconds: 600 } });
  await until(() => isGated('app:1', { ownerReferences: [owner] }));

  world.registry.fault = () => undefined;
  await until(async () => !(await isGated('missing:1')));
  world.registry.fault = () => ({ kind: 'hang' });
  lease('');
  await until(async () => !(await canGate()));
  expect(await isGated('other:1')).toBe(false);
});
