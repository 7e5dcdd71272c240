import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Json, JsonObject } from '@archpolicy/core';
import { mutatedJson, mutatedText } from '@archpolicy/testkit/mutations';
import { Pool } from 'undici';
import { atMost, exactly, figure, same } from '../framework/observations.ts';
import type { Observation } from '@archpolicy/testkit';
import type { Scenario, ScenarioContext } from '../framework/scenario.ts';
import { AdmissionGround } from '../parts/admission/ground.ts';
import { buildReview, FAKE_CALLER } from '../parts/admission/reviews.ts';

const INPUTS = 100_000;
/** Most inputs are reviews of changed pods: other inputs end their connection, and a new one takes a handshake. */
const TEXT_SHARE = 0.1;
const SEED = 27;
const CONNECTIONS = 32;
const MAX_BODY_BYTES = 1_024;
const MAX_ANSWER_MS = 2_000;

interface Answer {
  /** 0: none. */
  readonly status: number;
  readonly body: string;
  readonly ms: number;
}

/** What the API server does with the answer: it reads `allowed`, or fails open. */
type Expected = 'allowed' | 'rejected';

interface Case {
  readonly name: string;
  readonly expected: Expected;
  readonly body: Buffer;
}

const ID = 'f27';

/** Reviews that are no reviews, and reviews of hostile pods. */
export const hostileReviews: Scenario = {
  id: 'F27',
  title: 'Reviews that are no reviews, and reviews of hostile pods',
  rule: 'P1',
  bar: 'No answer of 500 or more, none that refuses a pod, no error of more than 1 KB; a review with a uid is allowed',
  done: '26 kinds of reviews and 100,000 mutated ones, sent to a real webhook over TLS',
  fakes: [FAKE_CALLER],
  run: observe,
};

async function observe(context: ScenarioContext): Promise<readonly Observation[]> {
  const { cleanUp } = context;
  const ground = await AdmissionGround.open(context, ID);
  const namespace = ID;
  const { replica } = await ground.webhook();
  const ca = await readFile(join(ground.cluster.directory, 'webhook-tls', 'ca.crt'), 'utf8');
  const pool = new Pool(`https://127.0.0.1:${replica.port}`, {
    connections: CONNECTIONS,
    allowH2: false,
    connect: { ca },
  });
  cleanUp(() => pool.destroy());
  const review = buildReview({ namespace, images: [`127.0.0.1:1/app:v1`] });
  const cases = listCases(JSON.parse(review.toString()) as Review);
  const answers = await Promise.all(cases.map(({ body }) => send(pool, body)));
  const unexpected = cases.filter(
    ({ expected }, index) => (answers[index]?.status === 200) !== (expected === 'allowed'),
  );
  const mutated = await sendMutated(pool, review, INPUTS);
  const all = [...answers, ...mutated];
  return [
    same('kinds answered otherwise than expected', unexpected.map(({ name }) => name).join(', '), ''),
    figure('kinds of reviews', cases.length, 'kinds'),
    exactly(
      'mutated reviews that were answered',
      mutated.filter(({ status }) => status !== 0).length,
      INPUTS,
      'reviews',
    ),
    exactly(
      'answers that refuse a pod',
      all.filter(({ body }) => body.includes('"allowed":false')).length,
      0,
      'answers',
    ),
    exactly('answers of 500 or more', all.filter(({ status }) => status >= 500).length, 0, 'answers'),
    atMost(
      'longest body of an answer other than 200',
      longest(all.filter(({ status }) => status !== 200)),
      MAX_BODY_BYTES,
      'bytes',
    ),
    atMost('slowest answer', Math.max(...all.map(({ ms }) => ms)), MAX_ANSWER_MS, 'ms'),
    exactly(
      'decisions that failed',
      await replica.metric('archpolicy_admission_reviews_total{outcome="failed"}'),
      0,
      'decisions',
    ),
    exactly('ends of the webhook', replica.isRunning ? 0 : 1, 0, 'ends'),
    figure('seed of the mutations', SEED, ''),
  ];
}

interface Review extends JsonObject {
  readonly request: JsonObject;
}

function listCases(review: Review): readonly Case[] {
  const json = (value: Json): Buffer => Buffer.from(JSON.stringify(value));
  const withRequest = (change: JsonObject): Buffer => json({ ...review, request: { ...review.request, ...change } });
  const without = (key: string): Buffer =>
    json({ ...review, request: Object.fromEntries(Object.entries(review.request).filter(([name]) => name !== key)) });
  const text = JSON.stringify(review);
  const rejected: Readonly<Record<string, Buffer>> = {
    'no body': Buffer.alloc(0),
    'no JSON': Buffer.from('kind: AdmissionReview'),
    'cut off': Buffer.from(text.slice(0, text.length / 2)),
    array: json([review]),
    null: json(null),
    v1beta1: json({ ...review, apiVersion: 'admission.k8s.io/v1beta1' }),
    'another kind': json({ ...review, kind: 'Pod' }),
    'no request': json({ kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1' }),
    'no uid': without('uid'),
    'uid is a number': withRequest({ uid: 7 }),
    'uid is a list': withRequest({ uid: ['a'] }),
    'nested 100,000 deep': Buffer.from(`${'['.repeat(100_000)}${']'.repeat(100_000)}`),
    '3 MB of brackets': Buffer.from(`[${'{},'.repeat(1_000_000)}{}]`),
  };
  const allowed: Readonly<Record<string, Buffer>> = {
    'object null': withRequest({ object: null }),
    'object is a list': withRequest({ object: [] }),
    'no namespace': without('namespace'),
    'namespace unknown': withRequest({ namespace: 'never-created' }),
    'kind is null': withRequest({ kind: null }),
    UPDATE: withRequest({ operation: 'UPDATE' }),
    'spec is a text': withRequest({ object: { kind: 'Pod', spec: 'x' } }),
    'containers are numbers': withRequest({ object: { kind: 'Pod', spec: { containers: [1, 2] } } }),
    'image is an object': withRequest({ object: { kind: 'Pod', spec: { containers: [{ name: 'a', image: {} }] } } }),
    __proto__: Buffer.from(text.replace('"metadata":{', '"__proto__":{"spec":1},"metadata":{')),
    'duplicate keys': Buffer.from(text.replace('"spec":{', '"spec":7,"spec":{')),
    'lone surrogates': Buffer.from(text.replace('"app":"web"', '"app":"\\ud800"')),
    'wrong UTF-8': Buffer.from(text.replace('"app":"web"', '"app":"\u00e9"'), 'latin1'),
    '10,000 containers': withRequest({
      object: { kind: 'Pod', spec: { containers: Array.from({ length: 10_000 }, (_, i) => ({ name: `c${i}` })) } },
    }),
  };
  const toCases = (bodies: Readonly<Record<string, Buffer>>, expected: Expected): readonly Case[] =>
    Object.entries(bodies).map(([name, body]) => ({ name, expected, body }));
  return [...toCases(rejected, 'rejected'), ...toCases(allowed, 'allowed')];
}

/** Sends mutations of a review: of values of its pod, and of its text. */
async function sendMutated(pool: Pool, review: Buffer, count: number): Promise<readonly Answer[]> {
  const parsed = JSON.parse(review.toString()) as Review;
  const texts = Math.round(count * TEXT_SHARE);
  const pods = mutatedJson([parsed.request['object'] ?? {}]).map((object) =>
    JSON.stringify({ ...parsed, request: { ...parsed.request, object } }),
  );
  const changed = mutatedText([review.toString()], review.length);
  const bodies = (from: fc.Arbitrary<string>, numRuns: number): readonly string[] =>
    fc.sample(from, { numRuns, seed: SEED });
  const all = [...bodies(pods, count - texts), ...bodies(changed, texts)];
  const answers: Answer[] = [];
  let next = 0;
  const sender = async (): Promise<void> => {
    for (let index = next; index < all.length; index = next) {
      next += 1;
      answers.push(await send(pool, Buffer.from(all[index] ?? '')));
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, sender));
  return answers;
}

async function send(pool: Pool, body: Buffer): Promise<Answer> {
  const startedAt = performance.now();
  try {
    const answer = await pool.request({
      method: 'POST',
      path: '/mutate?timeout=2s',
      headers: { 'content-type': 'application/json' },
      body,
      signal: AbortSignal.timeout(5_000),
    });
    return { status: answer.statusCode, body: await answer.body.text(), ms: performance.now() - startedAt };
  } catch {
    return { status: 0, body: '', ms: performance.now() - startedAt };
  }
}

function longest(answers: readonly Answer[]): number {
  return Math.max(0, ...answers.map(({ body }) => Buffer.byteLength(body)));
}
