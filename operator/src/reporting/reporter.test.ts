import { describe, expect, test } from '@jest/globals';
import { assessPlacement } from '@archpolicy/core';
import type { EvictionDecision } from '@archpolicy/core';
import { FakeClock } from '@archpolicy/testkit';
import { crashLoopingPod, node, policy, resolved, silent } from '../fixtures/objects.ts';
import { Reporter } from './reporter.ts';
import type { ReportedPod } from './reporter.ts';

const pod = (name: string): ReportedPod => ({
  key: `shop/${name}`,
  pod: crashLoopingPod(name),
  policy: { name: 'policy' },
  node: undefined,
});
/** The assessment of a pod whose images were not inspected in time. */
const assessment = assessPlacement({
  nowMs: 0,
  pod: crashLoopingPod('web'),
  node: node('amd64-1', 'amd64'),
  inspections: new Map(),
  policy: policy({}).spec,
});

/** Reports one decision for each of 500 pods. Returns the number of lines by level. */
function countLines(decision: EvictionDecision): Record<string, number> {
  const lines: Record<string, number> = {};
  const count = (level: string) => (): void => {
    lines[level] = (lines[level] ?? 0) + 1;
  };
  const logger = {
    ...silent,
    ...{ debug: count('debug'), info: count('info'), warn: count('warn'), error: count('error') },
  };
  const reporter = new Reporter({
    events: { record: () => undefined },
    logger,
    clock: { monotonic: () => 0 },
  });
  for (let index = 0; index < 500; index += 1) reporter.decided(pod(`pod-${index}`), { assessment, decision });
  return lines;
}

test.each<[string, EvictionDecision, Record<string, number>]>([
  ['waits for unknown images', { kind: 'wait', reason: 'ImagesUnknown' }, { debug: 500 }],
  ['has unknown images', { kind: 'report', reason: 'ImagesUnknown' }, { debug: 500 }],
  ['waits for a disruption budget', { kind: 'wait', reason: 'DisruptionBudget' }, { debug: 500 }],
])('I11 500 pods of which each %s', (_, decision, lines) => {
  expect(countLines(decision)).toEqual(lines);
});

describe('an event on a pod that is not evicted', () => {
  const MISPLACED: ReportedPod = { ...pod('web'), node: node('amd64-1', 'amd64') };
  const finding = {
    assessment: assessPlacement({
      nowMs: 0,
      pod: MISPLACED.pod,
      node: node('amd64-1', 'amd64'),
      inspections: new Map([['registry.test/web:v1', resolved('linux/arm64')]]),
      policy: policy({}).spec,
    }),
    decision: { kind: 'report', reason: 'AuditMode' },
  } as const;

  function rig() {
    const clock = new FakeClock();
    const [events, lines]: [string[], string[]] = [[], []];
    const queue: { isFull: boolean; drop: (() => void) | undefined } = { isFull: false, drop: undefined };
    const reporter = new Reporter({
      events: {
        record: ({ reason }, onDropped) => {
          if (queue.isFull) onDropped?.();
          else events.push(reason);
          queue.drop = onDropped;
        },
      },
      logger: { ...silent, info: (...args: unknown[]) => void lines.push(String(args[1])) },
      clock,
    });
    return {
      clock,
      events,
      lines,
      queue,
      report: () => {
        reporter.decided(MISPLACED, finding);
      },
    };
  }

  test('is recorded once in 50 minutes', async () => {
    const { clock, events, report } = rig();
    for (let minute = 0; minute < 101; minute += 1) {
      report();
      await clock.advance(60_000);
    }
    expect(events).toEqual(['AuditMode', 'AuditMode', 'AuditMode']);
  });

  test('is recorded again by the next evaluation if the queue of events was full, and logged once', () => {
    const { events, lines, queue, report } = rig();
    queue.isFull = true;
    report();
    report();
    expect(events).toEqual([]);
    queue.isFull = false;
    report();
    report();
    expect([events, lines]).toEqual([['AuditMode'], ['pod not evicted']]);
  });

  test('is recorded again by the next evaluation if it could not be sent later', () => {
    const { events, queue, report } = rig();
    report();
    queue.drop?.();
    report();
    report();
    expect(events).toEqual(['AuditMode', 'AuditMode']);
  });
});

describe('answers to eviction requests', () => {
  test('R8 are logged when the answer for a pod changes, not for each attempt', () => {
    const lines: object[] = [];
    const info = (fields: object): void => void lines.push(fields);
    const reporter = new Reporter({
      events: { record: () => undefined },
      logger: { ...silent, info, error: info },
      clock: { monotonic: () => 0 },
    });
    const busy = { kind: 'failed', status: 500, message: '' } as const;
    const forbidden = { kind: 'forbidden', message: 'no' } as const;
    for (const answer of [busy, busy, forbidden, forbidden, busy]) reporter.notAccepted(pod('a'), answer, 1_000);
    reporter.notAccepted(pod('b'), busy, 1_000);
    expect(lines).toMatchObject([
      { pod: 'a', answer: 'failed' },
      { pod: 'a', answer: 'forbidden' },
      { pod: 'a', answer: 'failed' },
      { pod: 'b', answer: 'failed' },
    ]);
  });

  test('R8 a pod that waits for a budget and for its owner alternately is reported once for each reason', () => {
    const lines: object[] = [];
    const write = (fields: object): void => void lines.push(fields);
    const reporter = new Reporter({
      events: { record: () => undefined },
      logger: { ...silent, debug: write, info: write },
      clock: { monotonic: () => 0 },
    });
    for (let round = 0; round < 3; round += 1) {
      for (const reason of ['DisruptionBudget', 'OwnerLimit'] as const) {
        reporter.decided(pod('a'), { assessment, decision: { kind: 'wait', reason } });
      }
    }
    expect(lines).toMatchObject([{ reason: 'DisruptionBudget' }, { reason: 'OwnerLimit' }]);
  });
});
