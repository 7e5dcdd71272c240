import { expect, test } from '@jest/globals';
import { policy } from '../fixtures/objects.ts';
import { Listeners } from '../listeners.ts';
import type { ProblemCause } from './metrics.ts';
import { WebhookReporter } from './webhook-reporter.ts';
import type { WebhookStatus } from './webhook-status.ts';

const TIMED_OUT: WebhookStatus = { kind: 'unreachable', cause: 'timed-out', words: 'context deadline exceeded' };
const REFUSED: WebhookStatus = { kind: 'probe-refused', status: 404, words: 'not found' };
const REACHABLE: WebhookStatus = { kind: 'reachable' };

test('R3 each change is a log line, a metric, and an event on every policy, also in mode Audit', async () => {
  const statuses = new Listeners<WebhookStatus>();
  const events: string[] = [];
  const lines: string[] = [];
  const gauge: (ProblemCause | undefined)[] = [];
  const log = (_: unknown, message?: string): void => void lines.push(message ?? '');
  const reporter = new WebhookReporter({
    webhook: { onStatus: (listener) => statuses.subscribe(listener) },
    policies: { list: () => [policy({}), policy({ mode: 'Audit' }, 'audit')] },
    events: { record: ({ regarding, type, reason }) => void events.push(`${regarding.name} ${type} ${reason}`) },
    metrics: { webhookProblem: (cause) => void gauge.push(cause) },
    logger: { warn: log, info: log },
  });
  const end = new AbortController();
  const done = reporter.run(end.signal);
  for (const status of [REACHABLE, TIMED_OUT, REFUSED, REACHABLE]) statuses.notify(status);
  end.abort();
  await done;
  statuses.notify(TIMED_OUT);
  expect(lines).toEqual([
    'webhook reachable',
    'webhook unreachable',
    'webhook probe rejected by the API server',
    'webhook reachable',
  ]);
  expect(gauge).toEqual([undefined, 'timed-out', 'probe-refused', undefined]);
  expect(events).toEqual([
    ...['default Warning WebhookUnreachable', 'audit Warning WebhookUnreachable'],
    ...['default Warning ProbeRefused', 'audit Warning ProbeRefused'],
    ...['default Normal WebhookReachable', 'audit Normal WebhookReachable'],
  ]);
});
