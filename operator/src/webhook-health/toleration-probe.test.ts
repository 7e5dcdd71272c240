import { describe, expect, test } from '@jest/globals';
import { objectAt } from '@archpolicy/core';
import type { JsonObject } from '@archpolicy/core';
import type { ApiResponse, ApiRequest } from '@archpolicy/kube';
import { silent } from '../fixtures/objects.ts';
import { TolerationProbe } from './toleration-probe.ts';
import type { TolerationProbeResult } from './toleration-probe.ts';

const signal = new AbortController().signal;
const WORDS =
  'pod tolerations (possibly merged with namespace default tolerations) conflict with its cluster whitelist';
const accepted: ApiResponse = { kind: 'ok', status: 201, body: {} };
const refused = (status: number, message = WORDS): ApiResponse => ({
  kind: 'refused',
  status,
  reason: 'x',
  message,
  details: {},
});

async function probed(
  answers: readonly (ApiResponse | Error)[],
): Promise<{ readonly result: TolerationProbeResult | undefined; readonly sent: readonly ApiRequest[] }> {
  const sent: ApiRequest[] = [];
  const request = (one: ApiRequest): Promise<ApiResponse> => {
    const answer = answers[sent.push(one) - 1];
    return answer === undefined || answer instanceof Error
      ? Promise.reject(answer ?? new Error('none'))
      : Promise.resolve(answer);
  };
  return { result: await new TolerationProbe({ api: { request }, logger: silent }).probe(['arm64'], signal), sent };
}

describe('PL8 the probe of tolerations', () => {
  test.each<[string, readonly (ApiResponse | Error)[], TolerationProbeResult | undefined]>([
    ['accepted', [accepted], { kind: 'accepted' }],
    ['500 of PodTolerationRestriction', [refused(500), accepted, refused(500)], { kind: 'refused', words: WORDS }],
    ['403 of an admission policy', [refused(403), accepted, refused(403)], { kind: 'refused', words: WORDS }],
    ['422 of an admission policy', [refused(422), accepted, refused(422)], { kind: 'refused', words: WORDS }],
    ['also rejected without them: no verdict', [refused(403), refused(403)], undefined],
    ['a missing namespace', [refused(404), refused(404)], undefined],
    ['a transient error before the second probe', [refused(500), accepted, accepted], { kind: 'accepted' }],
    ['two different transient errors', [refused(500), accepted, refused(503)], undefined],
    ['a busy API server', [refused(429)], undefined],
    ['no response', [new Error('reset')], undefined],
    ['no response to the second', [refused(403), new Error('reset')], undefined],
  ])('PL8 %s', async (_, answers, expected) => {
    const { result, sent } = await probed(answers);
    expect(result).toEqual(expected);
    expect(sent).toHaveLength(answers.length);
  });

  test('PL8 the first dry run has the tolerations, the second does not', async () => {
    const { sent } = await probed([refused(500), accepted, refused(500)]);
    const tolerations = [{ key: 'kubernetes.io/arch', operator: 'Equal', value: 'arm64' }];
    expect(sent.map(({ body }) => objectAt(body as JsonObject, 'spec')['tolerations'])).toEqual([
      tolerations,
      undefined,
      tolerations,
    ]);
    for (const one of sent) {
      expect(one).toMatchObject({
        method: 'POST',
        path: '/api/v1/namespaces/archpolicy-probe/pods',
        query: { dryRun: 'All' },
      });
    }
  });

  test('PL8 P5 the quoted message is bounded and contains no credential', async () => {
    const { result } = await probed([
      refused(403),
      accepted,
      refused(403, `Bearer c2VjcmV0LXRva2Vu ${'x'.repeat(9_000)}`),
    ]);
    expect(result?.kind).toBe('refused');
    const words = result?.kind === 'refused' ? result.words : '';
    expect(words).not.toContain('c2VjcmV0');
    expect(words.length).toBeLessThan(400);
  });
});
