/** `make chaos`: runs the scenarios of the fault model and writes docs/reliability/results.json. */
import { RELIABILITY_RESULTS, storeFaultResult } from '@archpolicy/testkit';
import { createPrinter, reportResult } from './framework/report.ts';
import { runScenario } from './framework/run-scenario.ts';
import { SharedCluster } from './cluster/shared-cluster.ts';
import { chooseScenarios } from './framework/choose.ts';
import { parseArguments } from './framework/usage.ts';
import { scenarios } from './scenarios.ts';

const print = createPrinter();
const chosen = parseArguments(() => chooseScenarios(scenarios, process.argv[2] ?? '')) ?? process.exit(2);
const shared = new SharedCluster(print);
const missed: string[] = [];
try {
  for (const scenario of chosen) {
    print(`${scenario.id} ${scenario.title}`);
    const result = await runScenario(scenario, shared, (line) => {
      print(`  ${line}`);
    });
    reportResult(result, print);
    await storeFaultResult(RELIABILITY_RESULTS, result);
    if (!result.held) missed.push(result.id);
  }
} finally {
  await shared.stop();
}
print(missed.length === 0 ? `${chosen.length} of ${chosen.length} held` : `not held: ${missed.join(', ')}`);
// Without an explicit exit, Node ran its clean-up for hours at full load after all rows (seen with Node 24.21: `CleanupHandles`).
process.exit(missed.length === 0 ? 0 : 1);
