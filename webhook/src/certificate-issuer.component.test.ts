import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { systemClock } from '@archpolicy/async';
import { LEASES_PATH, createWorld, singleImage } from '@archpolicy/testkit';
import type { World } from '@archpolicy/testkit';
import { container, pod } from './fixtures/reviews.ts';
import { RunningWebhook, getArchitectures } from './fixtures/running-webhook.ts';

// Real sockets on a loaded machine.
jest.setTimeout(30_000);

/** Past the expiry of all certificates of the testkit. */
const LATER_MS = 10 * 365 * 86_400_000;
const LEASE = 'archpolicy-system/archpolicy-webhook';

let world: World;
let webhook: RunningWebhook;
let aheadMs: number;

beforeEach(async () => {
  world = await createWorld();
  world.registry.push('app', '1', singleImage('linux/arm64'));
  aheadMs = 0;
  const clock = systemClock();
  const ahead = { ...clock, now: () => clock.now() + aheadMs };
  webhook = await RunningWebhook.start(world, { ARCHPOLICY_INSPECTION_BUDGET: '1500ms' }, ahead);
});

afterEach(async () => {
  await webhook.stop();
  await world.end();
});

const expiry = async (): Promise<number> =>
  Number(/^archpolicy_certificate_expiry_timestamp_seconds (\S+)$/mu.exec((await webhook.get('/metrics')).text)?.[1]);
const place = (): ReturnType<RunningWebhook['sendReview']> =>
  webhook.sendReview(pod({ containers: [container(`${world.registry.host}/app:1`)] }));

test('P2 without the certificate issuer: the metric shows the expiry, an expired certificate is unready, a new one is ready', async () => {
  // The last certificate still serves, and the metric shows when it expires.
  expect(getArchitectures(await place())).toEqual(['arm64']);
  expect((await expiry()) * 1_000).toBeGreaterThan(Date.now());

  // The API server now rejects the certificate and admits pods unchanged. The unready webhook stops renewing its Lease, so the
  // operator stops evicting.
  aheadMs = LATER_MS;
  const { status, text } = await webhook.get('/readyz');
  expect(status).toBe(503);
  expect(JSON.parse(text)).toMatchObject({ checks: { certificate: 'the certificate has expired' } });

  aheadMs = 0;
  await world.writeCertificate();
  await webhook.until(async () => (await webhook.get('/readyz')).status === 200);
  expect(getArchitectures(await place())).toEqual(['arm64']);
  await webhook.until(() => world.api.collection(LEASES_PATH).objects.has(LEASE));
});
