/** `make chaos`: runs the scenarios of the fault model and writes docs/reliability/results.json. */
import { RELIABILITY_RESULTS, storeFaultResult } from '@archpolicy/testkit';
import type { FaultResult } from '@archpolicy/testkit';
import { runScenario } from './framework/run-scenario.ts';
import { SharedCluster } from './cluster/shared-cluster.ts';
import { chooseScenarios } from './framework/choose.ts';
import { scenarios } from './scenarios.ts';

const startedAt = performance.now();
const print = (line: string): void => {
  process.stderr.write(`[${String(Math.round((performance.now() - startedAt) / 1000)).padStart(4)} s] ${line}\n`);
};

function report({ id, held, observations, problem, seconds }: FaultResult): void {
  for (const { what, value, bar, held: isHeld } of observations) {
    print(`  ${isHeld ? 'ok' : 'NOT HELD'}  ${what}: ${value}${bar === undefined ? '' : ` (${bar})`}`);
  }
  if (problem !== undefined) print(`  ${problem}`);
  print(`${id} ${held ? 'held' : 'DID NOT HOLD'}, ${seconds} s`);
}

const chosen = chooseScenarios(scenarios, process.argv[2] ?? '');
const shared = new SharedCluster(print);
const missed: string[] = [];
try {
  for (const scenario of chosen) {
    print(`${scenario.id} ${scenario.title}`);
    const result = await runScenario(scenario, shared, (line) => {
      print(`  ${line}`);
    });
    report(result);
    await storeFaultResult(RELIABILITY_RESULTS, result);
    if (!result.held) missed.push(result.id);
  }
} finally {
  await shared.stop();
}
print(missed.length === 0 ? `${chosen.length} of ${chosen.length} held` : `not held: ${missed.join(', ')}`);
process.exitCode = missed.length === 0 ? 0 : 1;
