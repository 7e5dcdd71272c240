import { afterEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '@archpolicy/async';
import fc from 'fast-check';
import { parseArchPolicy } from '@archpolicy/core';
import type { ArchPolicy, Inspection, Json, JsonObject } from '@archpolicy/core';
import { createLogger } from '@archpolicy/service';
import { createAdmission } from './admission.ts';
import type { Admission } from './admission.ts';
import type { ReviewOutcome } from './metrics.ts';
import { NO_PULL_SECRETS, UID, body, container, pod, review } from './fixtures/reviews.ts';

const policy = (): ArchPolicy => {
  const parsed = parseArchPolicy({ metadata: { name: 'default' }, spec: {} });
  if (parsed.kind === 'failed') throw new Error(JSON.stringify(parsed.failure));
  return parsed.value;
};

const everywhere = policy();

const arm64: Inspection = {
  kind: 'resolved',
  facts: { digest: `sha256:${'0'.repeat(64)}`, platforms: [{ os: 'linux', architecture: 'arm64' }], neutral: false },
  source: 'memory',
  ageMs: 0,
};

interface SetUp {
  readonly inspect?: () => Promise<Inspection>;
  readonly policies?: () => readonly ArchPolicy[];
}

const opened: Admission[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((admission) => admission.close()));
});

/** The real admission, with constant views and inspector. */
const setUp = ({ inspect = () => Promise.resolve(arm64), policies = () => [everywhere] }: SetUp = {}) => {
  const outcomes: ReviewOutcome[] = [];
  const namespace = { name: 'shop', labels: {}, annotations: {} };
  const node = { uid: 'n', labels: {}, taints: [], ready: true, cordoned: false, os: 'linux' };
  const admission = createAdmission({
    view: {
      policies: { list: policies },
      namespaces: { get: () => namespace, fetch: () => Promise.resolve(undefined) },
      nodes: { list: () => [{ ...node, name: 'a', architecture: 'arm64', labels: { 'kubernetes.io/arch': 'arm64' } }] },
    },
    jobs: { readDeadline: () => Promise.resolve({ kind: 'unknown' }) },
    inspector: { inspect },
    pullSecrets: NO_PULL_SECRETS,
    metrics: {
      review: (outcome) => void outcomes.push(outcome),
      decision: () => undefined,
      audit: () => undefined,
    },
    clock: systemClock(),
    logger: createLogger({ name: 'test', level: 'error', destination: { write: () => undefined } }),
    inspectionBudgetMs: 400,
    canGate: () => false,
  });
  opened.push(admission);
  const handle = (bytes: Buffer, allowanceMs = 1_500) => {
    const arrivedAt = performance.now();
    return admission.handler.handle(bytes, { arrivedAt, deadline: arrivedAt + allowanceMs });
  };
  const shed = (bytes: Buffer) => admission.handler.shed(bytes);
  const refuseLarge = () => admission.handler.rejectUnread('too-large', { arrivedAt: performance.now(), deadline: 0 });
  return { handle, shed, refuseLarge, outcomes };
};

const good = pod({ containers: [container('app:1')] });

interface Answer {
  readonly kind: unknown;
  readonly apiVersion: unknown;
  readonly response: { readonly uid: unknown; readonly allowed: unknown; readonly patch?: unknown };
}

/** Expects a 4xx, or a complete AdmissionReview that allows the request. */
const expectHarmless = ({ status, body: text }: { status: number; body: string }, uid?: string): void => {
  if (status !== 200) {
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    return;
  }
  const answer = JSON.parse(text) as Answer;
  expect([answer.kind, answer.apiVersion, answer.response.allowed]).toEqual([
    'AdmissionReview',
    'admission.k8s.io/v1',
    true,
  ]);
  if (uid === undefined) expect(typeof answer.response.uid).toBe('string');
  else expect(answer.response.uid).toBe(uid);
};

describe('responses', () => {
  test('a pod gets its patch', async () => {
    const { handle, outcomes } = setUp();
    const answer = JSON.parse((await handle(body(review(good)))).body) as Answer;
    expect(answer.response).toMatchObject({
      uid: UID,
      allowed: true,
      patchType: 'JSONPatch',
      patch: expect.any(String),
    });
    expect(outcomes).toEqual(['decided']);
  });

  test.each<[string, JsonObject]>([
    ['an update', { operation: 'UPDATE' }],
    ['a deletion', { operation: 'DELETE', object: null }],
    ['a subresource', { subResource: 'eviction' }],
    ['another kind', { kind: { group: 'apps', version: 'v1', kind: 'Deployment' } }],
    ['a kind that is not an object', { kind: 'Pod' }],
    ['no object', { object: null }],
    ['no namespace', { namespace: null }],
  ])('P1 %s is allowed unchanged', async (_, request) => {
    const { handle, outcomes } = setUp();
    const answer = await handle(body(review(good, request)));
    expectHarmless(answer, UID);
    expect(answer.body).not.toContain('patch');
    expect(outcomes).toEqual(['ignored']);
  });

  test.each<[string, SetUp]>([
    ['the inspector rejects', { inspect: () => Promise.reject(new Error('bug')) }],
    [
      'the inspector throws',
      {
        inspect: () => {
          throw new Error('bug');
        },
      },
    ],
    ['the inspector returns an invalid inspection', { inspect: () => Promise.resolve({} as Inspection) }],
  ])('P1 %s: admitted unchanged', async (_, parts) => {
    const { handle } = setUp(parts);
    const answer = await handle(body(review(good)));
    expectHarmless(answer, UID);
    expect(answer.body).not.toContain('"patch"');
  });

  test('P1 a view that throws: admitted unchanged, and counted as failed', async () => {
    const policies = (): readonly ArchPolicy[] => {
      throw new Error('bug');
    };
    const { handle, outcomes } = setUp({ policies });
    expectHarmless(await handle(body(review(good))), UID);
    expect(outcomes).toEqual(['failed']);
  });

  test('P1 a decision that never resolves: admitted unchanged at the deadline', async () => {
    const { handle, outcomes } = setUp({ inspect: () => new Promise(() => undefined) });
    const before = performance.now();
    expectHarmless(await handle(body(review(good)), 100), UID);
    expect(performance.now() - before).toBeLessThan(1_000);
    expect(outcomes).toEqual(['late']);
  });

  test('P1 a shed review is admitted unchanged without parsing', () => {
    const { shed, outcomes } = setUp();
    const answer = shed(body(review(good)));
    expect(answer.status).toBe(200);
    expectHarmless(answer, UID);
    expect(shed(Buffer.from('{"request":{"uid":"x"}}')).status).toBe(429);
    expect(outcomes).toEqual(['shed', 'shed']);
  });
});

describe('hostile bodies', () => {
  const text = (value: string): Buffer => Buffer.from(value);
  const reviewText = JSON.stringify(review(good));

  test.each<[string, number, Buffer]>([
    ['an empty body', 400, text('')],
    ['invalid JSON', 400, text('{"kind":')],
    ['null', 400, text('null')],
    ['a list', 400, text('[]')],
    ['another kind', 400, text('{"kind":"Pod","apiVersion":"v1"}')],
    ['another version', 400, text(reviewText.replace('admission.k8s.io/v1', 'admission.k8s.io/v1beta1'))],
    ['no request', 400, text('{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}')],
    [
      'a request that is a list',
      400,
      text('{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":[]}'),
    ],
    ['no uid', 400, body(review(good, { uid: null }))],
    ['an empty uid', 400, body(review(good, { uid: '' }))],
    ['a uid of 1 MB', 400, body(review(good, { uid: 'x'.repeat(1_000_000) }))],
    ['a byte order mark', 400, Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), text(reviewText)])],
    ['UTF-16', 400, Buffer.from(reviewText, 'utf16le')],
    ['100,000 nested lists in 200 KB', 413, text('['.repeat(100_000) + ']'.repeat(100_000))],
    ['7 MB of nested lists', 413, text('['.repeat(7_000_000))],
    ['2.3 million empty objects', 413, text(`[${'{},'.repeat(2_300_000)}{}]`)],
    ['a pod of 3.5 MB', 413, body(review(pod({ containers: [container('a')], note: 'x'.repeat(3_500_000) })))],
    ['a pod nested 10,000 deep', 413, text(reviewText.replace('"spec":{', `"spec":{"deep":${nested(10_000)},`))],
  ])('P1 %s is answered with %d', async (_, status, bytes) => {
    const { handle } = setUp();
    const answer = await handle(bytes);
    expect(answer.status).toBe(status);
    expectHarmless(answer);
  });

  test.each<[string, Buffer]>([
    ['a body of 3 MB', body(review(pod({ containers: [container('a')], note: 'x'.repeat(3_000_000) })))],
    ['brackets in texts', body(review(pod({ containers: [container('a')], note: '[{"\\'.repeat(100_000) })))],
    ['a pod nested 150 deep', text(reviewText.replace('"spec":{', `"spec":{"deep":${nested(150)},`))],
    ['a small pod nested 10,000 deep', text(reviewText.replace('"spec":{', `"spec":{"deep":${nested(10_000, 0)},`))],
    [
      'an affinity nested 10,000 deep',
      text(reviewText.replace('"spec":{', `"spec":{"affinity":${nested(10_000, 0)},`)),
    ],
    [
      '10,000 containers',
      body(review(pod({ containers: Array.from({ length: 10_000 }, (_, i) => container(`a:${i}`)) }))),
    ],
    ['a repeated key', text(reviewText.replace('"spec":{', '"spec":{"nodeName":"a"},"spec":{'))],
    ['__proto__ as a key', text(reviewText.replace('"spec":{', '"__proto__":{"spec":{"nodeName":"a"}},"spec":{'))],
    ['a lone surrogate', text(reviewText.replace('"app"', '"\\ud800"'))],
    ['invalid UTF-8', Buffer.from(reviewText.replace('web-5d', 'web-\u00ff'), 'latin1')],
  ])('P1 %s is allowed', async (_, bytes) => {
    const { handle } = setUp();
    const answer = await handle(bytes);
    expect(answer.status).toBe(200);
    expectHarmless(answer, UID);
  });

  test('P1 a pod of 10,000 containers is admitted unchanged without inspection', async () => {
    const inspected: string[] = [];
    const { handle, outcomes } = setUp({
      inspect: () => {
        inspected.push('');
        return Promise.resolve(arm64);
      },
    });
    const containers = Array.from({ length: 10_000 }, (_, i) => container(`app:${i}`));
    const answer = await handle(body(review(pod({ containers }))));
    expectHarmless(answer, UID);
    expect(answer.body).not.toContain('"patch"');
    expect([inspected, outcomes]).toEqual([[], ['excessive']]);
  });

  test('P1 a body over the size limit is rejected with a 4xx and counted', () => {
    const { refuseLarge, outcomes } = setUp();
    const answer = refuseLarge();
    expect(answer.status).toBe(413);
    expectHarmless(answer);
    expect(outcomes).toEqual(['excessive']);
  });

  test('the response has the last of duplicate uids, as the API server reads it', async () => {
    const { handle } = setUp();
    const bytes = text(reviewText.replace(`"uid":"${UID}"`, `"uid":"first","uid":"${UID}"`));
    expectHarmless(await handle(bytes), UID);
  });

  test('P1 random bytes', async () => {
    const { handle } = setUp();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), async (bytes) => {
        expectHarmless(await handle(Buffer.from(bytes)));
      }),
      { numRuns: 500 },
    );
  });

  test('P1 a review with changed, removed and inserted bytes', async () => {
    const { handle } = setUp();
    const original = text(reviewText);
    const change = fc.tuple(fc.nat(original.length), fc.nat(20), fc.uint8Array({ maxLength: 20 }));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const bytes = changes.reduce<Buffer>(
          (all, [at, cut, put]) => Buffer.concat([all.subarray(0, at), put, all.subarray(at + cut)]),
          original,
        );
        expectHarmless(await handle(bytes));
      }),
      { numRuns: 2_000 },
    );
  });

  test('P1 a review with one value replaced by any JSON', async () => {
    const { handle } = setUp();
    const full = review(
      pod(
        {
          containers: [container('app:1')],
          initContainers: [container('init:1')],
          volumes: [{ name: 'v', image: { reference: 'data:1', pullPolicy: 'Always' } }],
          nodeSelector: { a: 'b' },
          tolerations: [{ key: 'a', operator: 'Exists' }],
          affinity: {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [{ matchExpressions: [{ key: 'a', operator: 'In', values: ['b'] }] }],
              },
              preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: { matchExpressions: [] } }],
            },
          },
        },
        { annotations: { 'archpolicy.dev/decision': '{"v":1}' } },
      ),
    );
    const paths = listPaths(full).filter(([first]) => first !== 'kind' && first !== 'apiVersion');
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...paths), fc.jsonValue({ maxDepth: 3 }), async (path, value) => {
        expectHarmless(await handle(body(withValue(full, path, value))));
      }),
      { numRuns: 3_000 },
    );
  });
});

/** JSON of this depth after a padding string. */
function nested(depth: number, padding = 70_000): string {
  return `{"padding":"${'x'.repeat(padding)}","in":${'{"a":'.repeat(depth)}0${'}'.repeat(depth)}}`;
}

type Path = readonly (string | number)[];

function listPaths(value: Json, path: Path = []): Path[] {
  const here = path.length === 0 ? [] : [path];
  if (typeof value !== 'object' || value === null) return here;
  return [
    ...here,
    ...Object.entries(value).flatMap(([key, child]) =>
      child === undefined ? [] : listPaths(child, [...path, Array.isArray(value) ? Number(key) : key]),
    ),
  ];
}

function withValue(value: Json, [token, ...rest]: Path, replacement: Json): Json {
  if (token === undefined) return replacement;
  if (Array.isArray(value)) {
    const list = value as readonly Json[];
    return list.with(Number(token), withValue(list[Number(token)] ?? null, rest, replacement));
  }
  const object = value as JsonObject;
  return { ...object, [token]: withValue(object[token] ?? null, rest, replacement) };
}
