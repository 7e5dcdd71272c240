import { describe, expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { parseStatusError } from '../http/response.ts';
import type { ApiResponse } from '../http/response.ts';
import { DeploymentOwner } from './deployment-owner.ts';

const found = (uid: string): ApiResponse => ({ kind: 'ok', status: 200, body: { metadata: { uid } } });
const status = (code: number): ApiResponse => parseStatusError(code, undefined, undefined);

test('P9 the owner is read once a minute, and a failed read keeps it', async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const warnings: string[] = [];
  let answer = found('first');
  const owner = new DeploymentOwner({
    api: { request: () => Promise.resolve(answer) },
    deployment: { namespace: 'archpolicy-system', name: 'archpolicy-webhook' },
    clock,
    logger: { warn: (_: unknown, message?: unknown) => void warnings.push(String(message)) },
  });
  expect(owner.reference).toBeUndefined();
  await owner.refresh(stop.signal);
  const running = owner.run(stop.signal);
  const uids: (string | undefined)[] = [owner.reference?.uid];
  for (const next of [status(500), found('second'), status(404)]) {
    answer = next;
    await clock.advance(60_000);
    uids.push(owner.reference?.uid);
  }
  expect(uids).toEqual(['first', 'first', 'second', undefined]);
  expect(warnings).toEqual(['failed to read the Deployment']);
  stop.abort();
  await running;
  expect(clock.sleeping).toEqual([]);
});

describe('a read of the owner', () => {
  test('P9 is not reported as failed at shutdown', async () => {
    const stop = new AbortController();
    const warnings: unknown[] = [];
    const owner = new DeploymentOwner({
      api: {
        request: () => {
          stop.abort();
          return Promise.reject(new Error('aborted'));
        },
      },
      deployment: { namespace: 'archpolicy-system', name: 'archpolicy-webhook' },
      clock: new FakeClock(),
      logger: { warn: (fields: unknown) => void warnings.push(fields) },
    });
    await owner.refresh(stop.signal);
    expect(warnings).toEqual([]);
  });
});
