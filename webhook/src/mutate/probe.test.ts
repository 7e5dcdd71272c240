import { describe, expect, test } from '@jest/globals';
import { ANNOTATION_DECISION, applyPatch, parseDecision } from '@archpolicy/core';
import type { JsonObject, JsonPatchOperation } from '@archpolicy/core';
import { createLogger } from '@archpolicy/service';
import { FakeClock } from '@archpolicy/testkit';
import { createAdmission } from '../admission.ts';
import { NO_PULL_SECRETS, body, pod, review } from '../fixtures/reviews.ts';

/** Sends a review to an admission without namespaces, policies or images. Returns the patched metadata. */
async function patchedMetadata(object: JsonObject, namespace: string): Promise<JsonObject | undefined> {
  const calls: string[] = [];
  const refuse = (what: string) => () => {
    calls.push(what);
    return Promise.reject(new Error(what));
  };
  const clock = new FakeClock();
  const { handler } = createAdmission({
    view: {
      policies: { list: () => [] },
      namespaces: { get: () => undefined, fetch: refuse('namespace') },
      nodes: { list: () => [] },
    },
    jobs: { readDeadline: () => Promise.resolve({ kind: 'unknown' }) },
    inspector: { inspect: refuse('image') },
    pullSecrets: NO_PULL_SECRETS,
    metrics: { review: () => undefined, decision: () => undefined, audit: () => undefined },
    clock,
    logger: createLogger({ name: 'test', level: 'error', destination: { write: () => undefined } }),
    inspectionBudgetMs: 400,
    canGate: () => false,
  });
  const arrivedAt = clock.monotonic();
  const times = { arrivedAt, deadline: arrivedAt + 60_000 };
  const answer = await handler.handle(body(review(object, { namespace })), times);
  const { response } = JSON.parse(answer.body) as { response: { patch?: string } };
  if (namespace === 'archpolicy-probe') expect(calls).toEqual([]);
  if (response.patch === undefined) return undefined;
  const patch = JSON.parse(Buffer.from(response.patch, 'base64').toString()) as JsonPatchOperation[];
  const applied = applyPatch(object, patch);
  if (applied.kind === 'refused') throw new Error('the patch does not apply');
  return (applied.value as JsonObject)['metadata'] as JsonObject;
}

const named = (metadata: JsonObject): JsonObject => ({ ...pod({ containers: [] }), metadata });

describe('the operator’s probe', () => {
  test.each<[string, JsonObject, JsonObject]>([
    ['without annotations', { generateName: 'probe-' }, {}],
    ['with annotations', { generateName: 'probe-', annotations: { team: 'a' } }, { team: 'a' }],
    ['with null annotations', { generateName: 'probe-', annotations: null }, {}],
    ['with the annotation already set', { generateName: 'probe-', annotations: { [ANNOTATION_DECISION]: 'x' } }, {}],
  ])('R3 is answered without reading policy or images: a pod %s', async (_, metadata, kept) => {
    const answered = await patchedMetadata(named(metadata), 'archpolicy-probe');
    const annotation = JSON.stringify({ v: 1, kind: 'leave', reason: 'Probe' });
    expect(answered?.['annotations']).toEqual({ ...kept, [ANNOTATION_DECISION]: annotation });
    expect(parseDecision(annotation)).toEqual({ kind: 'unreadable' });
  });

  test('R3 a pod of another namespace is not answered as a probe', async () => {
    expect(await patchedMetadata(named({ generateName: 'probe-' }), 'shop')).toBeUndefined();
  });
});
