/** `make bench-operator`: measures resources and speed of the operator; writes docs/performance/operator-*.json. */
import { spread, writePerformanceResult } from '@archpolicy/testkit';
import type { Figure } from './figures.ts';
import { toMeasurements } from './figures.ts';
import { largeCluster } from './large-cluster.ts';
import { leaderChange } from './leader-change.ts';
import { misplacedPods } from './misplaced-pods.ts';
import { registryLoad } from './registry-load.ts';

interface Part {
  readonly title: string;
  readonly run: () => Promise<readonly Figure[]>;
}

const PARTS: Readonly<Record<string, Part>> = {
  misplaced: {
    title: 'Pods that were misplaced before the operator started, on the local cluster',
    run: misplacedPods,
  },
  large: { title: 'An operator over 100,000 pods on 2,000 nodes', run: largeCluster },
  leader: { title: 'Failover of the leader, on the local cluster', run: leaderChange },
  registry: { title: 'Registry requests of a starting operator', run: registryLoad },
};

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** Number of runs and names of parts: `RUNS=1 PARTS=large,leader make bench-operator`. */
const runs = Number(process.env['RUNS'] ?? '5');
const chosen = (process.env['PARTS'] ?? Object.keys(PARTS).join(',')).split(',');

async function measure(): Promise<ReadonlyMap<string, readonly (readonly Figure[])[]>> {
  const figures = new Map<string, (readonly Figure[])[]>(chosen.map((name) => [name, []]));
  for (let at = 1; at <= runs; at += 1) {
    // One run of each part in turn, so that the runs of one part are spread over time.
    for (const [name, all] of figures) {
      const part = PARTS[name];
      if (part === undefined) throw new Error(`there is no part ${name}: ${Object.keys(PARTS).join(', ')}`);
      print(`run ${at} of ${runs}: ${name}`);
      all.push(await part.run());
    }
  }
  return figures;
}

for (const [name, figures] of await measure()) {
  const measurements = toMeasurements(figures);
  for (const { name: what, unit, runs: values, target, met } of measurements) {
    print(`${met ? 'met   ' : 'MISSED'} ${what}: ${spread(values).median.toPrecision(3)} ${unit} (${target})`);
  }
  const title = PARTS[name]?.title ?? '';
  await writePerformanceResult({ name: `operator-${name}`, title, command: 'make bench-operator', measurements });
}
