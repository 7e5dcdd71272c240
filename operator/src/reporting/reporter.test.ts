import { expect, test } from '@jest/globals';
import type { EvictionDecision, PlacementAssessment, PodFacts } from '@archpolicy/core';
import { Reporter } from './reporter.ts';
import type { ReportedPod } from './reporter.ts';

const pod = (name: string): ReportedPod => ({
  key: `shop/${name}`,
  pod: { namespace: 'shop', name, uid: name, nodeName: 'node' } as unknown as PodFacts,
  policy: { name: 'policy' },
  node: undefined,
});
const assessment = { kind: 'unknown' } as unknown as PlacementAssessment;

/** Reports one decision for each of 500 pods. Returns the number of lines by level. */
function countLines(decision: Partial<EvictionDecision>): Record<string, number> {
  const lines: Record<string, number> = {};
  const count = (level: string) => (): void => {
    lines[level] = (lines[level] ?? 0) + 1;
  };
  const logger = { debug: count('debug'), info: count('info'), warn: count('warn'), error: count('error') };
  const reporter = new Reporter({
    events: { record: () => undefined },
    logger: { ...logger, child: () => logger as never },
    clock: { monotonic: () => 0 },
  });
  for (let index = 0; index < 500; index += 1)
    reporter.decided(pod(`pod-${index}`), { assessment, decision: decision as EvictionDecision });
  return lines;
}

test.each<[string, Partial<EvictionDecision>, Record<string, number>]>([
  ['waits for unknown images', { kind: 'wait', reason: 'ImagesUnknown' }, { debug: 500 }],
  ['has unknown images', { kind: 'report', reason: 'ImagesUnknown' }, { debug: 500 }],
  ['waits for a disruption budget', { kind: 'wait', reason: 'DisruptionBudget' }, { info: 500 }],
])('I11 500 pods of which each %s', (_, decision, lines) => {
  expect(countLines(decision)).toEqual(lines);
});
