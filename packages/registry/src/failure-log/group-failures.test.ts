import { describe, expect, test } from '@jest/globals';
import { failed, failedBecause } from '../http/outcome.ts';
import type { FetchFailure } from '../http/outcome.ts';
import { groupFailures } from './group-failures.ts';
import type { FailedRequest } from './group-failures.ts';

const rejected = failedBecause({ kind: 'unauthorized', status: 401 }, 'Unauthorized');
const missing = failedBecause({ kind: 'not-found', status: 404 }, 'NotFound');
const limited = failedBecause({ kind: 'rate-limited', status: 429 }, 'RateLimited', 7);

const upstream = (failure: FetchFailure, source = 'none'): FailedRequest => ({
  ...{ host: 'registry.example', isMirror: false, repository: 'app', source, failure },
});
const mirror = (failure: FetchFailure): FailedRequest => ({
  ...upstream(failure),
  ...{ host: 'mirror.example', isMirror: true },
});

/** Returns the groups, each as `cause at host with sources`. */
const group = (hasAnswer: boolean, ...requests: readonly FailedRequest[]): readonly string[] =>
  groupFailures(requests, hasAnswer).map(
    ({ host, cause, sources }) => `${cause.kind} at ${host} with ${sources.join()}`,
  );

describe('I11 the failures of one inspection', () => {
  test('I11 the same cause at the same host is one group, with all credentials that were tried', () => {
    expect(
      group(false, upstream(rejected, 'Secret shop/a'), upstream(rejected, 'Secret shop/a'), upstream(rejected)),
    ).toEqual(['unauthorized at registry.example with Secret shop/a,none']);
  });

  test('I11 other causes and other hosts are groups of their own, and the time to retry is that of the cause', () => {
    const groups = groupFailures([mirror(rejected), upstream(rejected), upstream(limited)], false);
    expect(groups.map(({ host, cause, retryAtMs }) => [host, cause.kind, retryAtMs])).toEqual([
      ['mirror.example', 'unauthorized', undefined],
      ['registry.example', 'unauthorized', undefined],
      ['registry.example', 'rate-limited', 7],
    ]);
  });

  test.each<[string, boolean, FailedRequest, number]>([
    ['a mirror without the image', true, mirror(missing), 0],
    ['a mirror without the image, and no answer elsewhere', false, mirror(missing), 0],
    ['a mirror that rejects the request', true, mirror(rejected), 1],
    ['a rejected credential before one that is accepted', true, upstream(rejected), 0],
    ['a limited credential before one that is not', true, upstream(limited), 1],
    ['no answer: a rejected credential', false, upstream(rejected), 1],
    ['no answer: the image does not exist', false, upstream(missing), 1],
    ['a failure without a cause', false, upstream(failed('Deadline')), 0],
  ])('I11 %s', (_, hasAnswer, request, count) => {
    expect(groupFailures([request], hasAnswer)).toHaveLength(count);
  });
});
