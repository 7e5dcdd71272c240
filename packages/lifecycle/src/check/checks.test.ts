import { describe, expect, test } from '@jest/globals';
import { FakeClock } from '@archpolicy/testkit';
import { FakeCluster, ok, refused } from '../fixtures/fake-cluster.ts';
import { configurationProblem, probeProblem, runChecks } from './checks.ts';

const webhook = (caBundle?: string) => ({
  name: 'pods.archpolicy.dev',
  clientConfig: { ...(caBundle && { caBundle }) },
});

describe('a check', () => {
  test.each([
    ['with bundles', ok({ webhooks: [webhook('Y2E='), webhook('Y2E=')] }), undefined],
    ['without one', ok({ webhooks: [webhook('Y2E='), webhook()] }), 'pods.archpolicy.dev has no caBundle'],
    ['without webhooks', ok({}), 'it has no webhooks'],
    ['terminating', ok({ metadata: { deletionTimestamp: 'x' }, webhooks: [webhook('Y2E=')] }), 'it is being deleted'],
    ['that is missing', refused(404), 'it does not exist'],
    ['that cannot be read', refused(403, 'forbidden'), 'it cannot be read (403 forbidden)'],
  ])('of a webhook configuration %s', (_, answer, problem) => {
    if (problem === undefined) expect(configurationProblem(answer)).toBeUndefined();
    else expect(configurationProblem(answer)).toContain(problem);
  });

  test.each([
    ['annotated', ok({ metadata: { annotations: { 'archpolicy.dev/decision': '{}' } } }), undefined],
    ['unchanged', ok({ metadata: {} }), 'the API server does not reach the webhook'],
    ['without its namespace', refused(404), 'the namespace archpolicy-probe does not exist'],
    ['rejected', refused(403, 'forbidden'), 'the API server rejected the pod (403 forbidden)'],
  ])('of a dry run that is %s', (_, answer, problem) => {
    if (problem === undefined) expect(probeProblem(answer)).toBeUndefined();
    else expect(probeProblem(answer)).toContain(problem);
  });

  test('of the Leases passes when they are renewed, and fails with what to do', async () => {
    const [cluster, clock] = [new FakeCluster(), new FakeClock()];
    const parts = { api: cluster, clock, namespace: 'archpolicy-system', report: () => undefined };
    cluster.renewOperator();
    const checking = runChecks(parts, new AbortController().signal);
    await clock.advance(1_000);
    cluster.renewOperator();
    await clock.advance(1_000);
    const results = await checking;
    expect(results.map(({ title, problem }) => `${title}: ${problem === undefined ? 'ok' : 'failed'}`)).toEqual([
      'webhook configuration: failed',
      'Lease archpolicy-webhook: failed',
      'Lease archpolicy-operator: ok',
      'dry run of a pod: failed',
    ]);
    expect(results[1]?.problem).toMatch(/it does not exist, .* kubectl -n archpolicy-system logs deployment/u);
  });

  test('of a Lease that is not renewed fails after 20 s', async () => {
    const [cluster, clock] = [new FakeCluster(), new FakeClock()];
    cluster.renewOperator();
    const parts = { api: cluster, clock, namespace: 'archpolicy-system', report: () => undefined };
    const checking = runChecks(parts, new AbortController().signal);
    for (let second = 0; second <= 20; second += 1) await clock.advance(1_000);
    expect((await checking)[2]?.problem).toContain('no process renews it');
  });
});
