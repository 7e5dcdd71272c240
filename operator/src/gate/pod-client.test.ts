import { expect, test } from '@jest/globals';
import { withTimeout } from '@archpolicy/async';
import type { Api } from '@archpolicy/kube';
import { FakeClock } from '@archpolicy/testkit';
import { PodClient } from './pod-client.ts';

test('PL12 a patch may take as long as the API server waits for unreachable admission webhooks', async () => {
  const clock = new FakeClock();
  // The API server ends patches after 34 s. It discards a patch of which the client ends the call.
  const request: Api['request'] = ({ timeoutMs: ms = 0, signal }) =>
    withTimeout({ clock, ms, signal }, async (until) => {
      await clock.sleep(33_000, until);
      return { kind: 'ok', status: 200, body: {} };
    });
  const pod = { namespace: 'shop', name: 'web', uid: 'a' };
  const patched = new PodClient({ request }).patch(pod, [], { signal: new AbortController().signal });
  await Promise.all([expect(patched).resolves.toMatchObject({ kind: 'ok' }), clock.advance(33_000)]);
});
