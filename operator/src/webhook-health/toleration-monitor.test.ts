import { afterEach, describe, expect, test } from '@jest/globals';
import type { ArchPolicy, NodeFacts } from '@archpolicy/core';
import { FakeClock } from '@archpolicy/testkit';
import { node, policy, silent } from '../fixtures/objects.ts';
import { TolerationMonitor } from './toleration-monitor.ts';
import type { TolerationProbeResult } from './toleration-probe.ts';

const REFUSED: TolerationProbeResult = { kind: 'refused', words: 'conflict with its cluster whitelist' };
const ends: AbortController[] = [];

afterEach(() => {
  for (const end of ends.splice(0)) end.abort();
});

const tainted = (...architectures: readonly string[]): readonly NodeFacts[] =>
  architectures.map((arch) => ({
    ...node(arch, arch),
    taints: [{ key: 'kubernetes.io/arch', value: arch, effect: 'NoSchedule' as const }],
  }));

interface World {
  readonly monitor: TolerationMonitor;
  readonly clock: FakeClock;
  readonly probes: string[];
  readonly state: {
    nodes: readonly NodeFacts[];
    policies: readonly ArchPolicy[];
    result: TolerationProbeResult | undefined;
  };
  readonly changes: () => number;
}

function started(state: Partial<World['state']> = {}): World {
  const clock = new FakeClock();
  const probes: string[] = [];
  const now = { nodes: tainted('arm64'), policies: [policy({})], result: REFUSED, ...state };
  const monitor = new TolerationMonitor({
    views: { nodes: { list: () => now.nodes }, policies: { list: () => now.policies } },
    probe: (architectures) => {
      probes.push(architectures.join());
      return Promise.resolve(now.result);
    },
    clock,
    logger: silent,
  });
  let changes = 0;
  monitor.subscribe(() => {
    changes += 1;
  });
  const end = new AbortController();
  ends.push(end);
  void monitor.run(end.signal);
  return { monitor, clock, probes, state: now, changes: () => changes };
}

describe('PL8 the verdict on tolerations', () => {
  test('PL8 is probed once a minute, also in mode Audit; recovery is detected', async () => {
    const audit = policy({ mode: 'Audit' });
    const { monitor, clock, probes, state, changes } = started({ policies: [audit] });
    await clock.advance(0);
    expect([probes, monitor.verdict(audit), changes()]).toEqual([['arm64'], REFUSED, 1]);
    state.result = { kind: 'accepted' };
    await clock.advance(58_000);
    expect(probes).toHaveLength(1);
    await clock.advance(3_000);
    expect([probes.length, monitor.verdict(audit), changes()]).toEqual([2, { kind: 'accepted' }, 2]);
  });

  test('PL8 is probed at once when the tolerations change; before that there is no verdict', async () => {
    const { monitor, clock, probes, state } = started();
    await clock.advance(0);
    state.nodes = tainted('amd64', 'arm64');
    expect(monitor.verdict(state.policies[0]!)).toBeUndefined();
    await clock.advance(1_000);
    expect(probes).toEqual(['arm64', 'amd64,arm64']);
    expect(monitor.verdict(state.policies[0]!)).toEqual(REFUSED);
  });

  test('PL8 a probe without a verdict keeps the last one', async () => {
    const { monitor, clock, state, changes } = started();
    await clock.advance(0);
    state.result = undefined;
    await clock.advance(61_000);
    expect([monitor.verdict(state.policies[0]!), changes()]).toEqual([REFUSED, 1]);
  });

  test('PL8 policies with the same tolerations share a probe; a policy without tolerations causes none', async () => {
    const policies = [
      policy({}, 'a'),
      policy({}, 'b'),
      policy({ scaleFromZero: ['s390x'] }, 'c'),
      policy({ tolerateArchitectureTaints: false }, 'd'),
    ];
    const { monitor, clock, probes } = started({ policies });
    await clock.advance(0);
    expect(probes).toEqual(['arm64', 'arm64,s390x']);
    expect(monitor.verdict(policies[3]!)).toBeUndefined();
  });

  test('PL8 a rejection ends when no node has the taint', async () => {
    const before = policy({}, 'default', { status: { tolerations: 'Refused' } });
    const { monitor, clock, probes } = started({ nodes: [node('arm64', 'arm64')], policies: [before] });
    await clock.advance(0);
    expect([probes, monitor.verdict(before)]).toEqual([[], { kind: 'accepted' }]);
  });
});
