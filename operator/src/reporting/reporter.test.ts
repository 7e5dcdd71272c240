import { expect, test } from '@jest/globals';
import { assessPlacement } from '@archpolicy/core';
import type { EvictionDecision } from '@archpolicy/core';
import { crashLoopingPod, node, policy, silent } from '../fixtures/objects.ts';
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
  ['waits for a disruption budget', { kind: 'wait', reason: 'DisruptionBudget' }, { info: 500 }],
])('I11 500 pods of which each %s', (_, decision, lines) => {
  expect(countLines(decision)).toEqual(lines);
});
