import { describe, expect, test } from '@jest/globals';
import type { InspectRequest } from '@archpolicy/registry';
import { createLogger } from '@archpolicy/service';
import { FakeClock } from '@archpolicy/testkit';
import { InputGatherer } from './input-gatherer.ts';

const clock = new FakeClock();

function gathering() {
  const requests: InspectRequest[] = [];
  const gatherer = new InputGatherer({
    views: {
      namespace: (name) => ({ name, labels: {}, annotations: {} }),
      fetchNamespace: () => Promise.resolve(undefined),
      policies: () => [],
      nodes: () => [],
    },
    inspector: {
      inspect: (request) => {
        requests.push(request);
        return Promise.resolve({ kind: 'unresolved', reason: 'Deadline' });
      },
    },
    pullSecrets: {
      peek: () => ({ secrets: [], complete: true }),
      read: () => Promise.resolve({ secrets: [], complete: true }),
    },
    clock,
    logger: createLogger({ name: 'test', level: 'error', destination: { write: () => undefined } }),
    canGate: () => true,
  });
  return { gatherer, requests };
}

const review = {
  uid: 'a',
  createsPod: true,
  namespace: 'bank',
  dryRun: false,
  object: { spec: { containers: [{ image: 'web' }] } },
  bytes: 1,
};

describe('inspecting the images of a new pod', () => {
  test("K5 an inspection counts for the pod's namespace", async () => {
    const { gatherer, requests } = gathering();
    const context = gatherer.cachedContext(review);
    if (context === undefined) throw new Error('the namespace is cached');
    await gatherer.inspectImages(context, ['web'], 400);
    expect(requests).toEqual([{ reference: 'web', tenant: 'bank', budgetMs: 400 }]);
  });

  test('PL9 the images of a dry run are inspected as such', async () => {
    const { gatherer, requests } = gathering();
    const context = gatherer.cachedContext({ ...review, dryRun: true });
    if (context === undefined) throw new Error('the namespace is cached');
    await gatherer.inspectImages(context, ['web'], 400);
    expect(requests).toEqual([{ reference: 'web', tenant: 'bank', isDryRun: true, budgetMs: 400 }]);
  });
});
