import { describe, expect, test } from '@jest/globals';
import type { Json } from '@archpolicy/core';
import type { Api } from '@archpolicy/kube';
import { silent } from '../../fixtures/objects.ts';
import { ApiReader } from './api-reader.ts';

const OWNER = { apiVersion: 'batch/v1', kind: 'Job', name: 'nightly', uid: 'job-1' };
const JOB = { metadata: { name: 'nightly', uid: 'job-1' }, spec: { backoffLimit: 6 } };

type Read = (reader: ApiReader) => Promise<unknown>;

const READS: readonly (readonly [string, Read])[] = [
  ['a pod', (reader) => reader.read('shop', 'web', new AbortController().signal)],
  ['a node', (reader) => reader.readNode('amd64-1', new AbortController().signal)],
  ['a Job', (reader) => reader.get('shop', OWNER, new AbortController().signal)],
];
/** Statuses that state nothing about the object. */
const FAILURES = [400, 401, 408, 409, 429, 500, 502, 503, 504];

function answering(status: number, body: Json = {}): ApiReader {
  const api: Pick<Api, 'request'> = {
    request: () =>
      Promise.resolve(
        status === 200
          ? { kind: 'ok', status, body }
          : { kind: 'refused', status, reason: '', message: '', details: {} },
      ),
  };
  return new ApiReader(api, silent);
}

describe('R2, R8 reading one object', () => {
  test.each(READS.flatMap(([what, read]) => FAILURES.map((status) => [what, status, read] as const)))(
    '%s throws after the status %i, so that the pod is evaluated again',
    async (_, status, read) => {
      await expect(read(answering(status))).rejects.toThrow('failed to read');
    },
  );

  test.each(READS)('%s throws if the response contains no object', async (_, read) => {
    for (const body of [null, 'proxy', []]) await expect(read(answering(200, body))).rejects.toThrow();
  });

  test.each(READS)('%s returns undefined if it does not exist', async (_, read) => {
    expect(await read(answering(404))).toBeUndefined();
  });

  test('a Job returns undefined if RBAC forbids it, or another Job has its name', async () => {
    const signal = new AbortController().signal;
    expect(await answering(403).get('shop', OWNER, signal)).toBeUndefined();
    const other = { ...JOB, metadata: { ...JOB.metadata, uid: 'job-2' } };
    expect(await answering(200, other).get('shop', OWNER, signal)).toBeUndefined();
    expect(await answering(200, JOB).get('shop', OWNER, signal)).toMatchObject({ backoffLimit: 6 });
  });
});
