/** `make bench-operator`: what the operator takes and how fast it is; writes docs/performance/operator-*.json. */
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
  misplaced: { title: 'Pods that were misplaced before the operator came, on the local cluster', run: misplacedPods },
  large: { title: 'An operator over 100,000 pods on 2,000 nodes', run: largeCluster },
  leader: { title: 'When the leader goes, on the local cluster', run: leaderChange },
  registry: { title: 'What a start of the operator asks of a registry', run: registryLoad },
};

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** How often each part runs, and which: `RUNS=1 PARTS=large,leader make bench-operator`. */
const runs = Number(process.env['RUNS'] ?? '5');
const chosen = (process.env['PARTS'] ?? Object.keys(PARTS).join(',')).split(',');

async function measure(): Promise<ReadonlyMap<string, readonly (readonly Figure[])[]>> {
  const figures = new Map<string, (readonly Figure[])[]>(chosen.map((name) => [name, []]));
  for (let at = 1; at <= runs; at += 1) {
    // One run of everything, so that the runs of each part lie apart.
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
