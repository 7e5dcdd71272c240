/**
 * `make soak-product MINUTES=30`: random faults, one after the other, under a steady creation of pods and deployments.
 * Writes docs/reliability/soak.json. Arguments: minutes, and a seed.
 */
import { RELIABILITY_SOAK, storeFaultResult } from '@archpolicy/testkit';
import { SharedCluster } from '../cluster/shared-cluster.ts';
import { createPrinter, reportResult } from '../framework/report.ts';
import { runScenario } from '../framework/run-scenario.ts';
import type { Scenario } from '../framework/scenario.ts';
import { parseArguments, parseWholeNumber } from '../framework/usage.ts';
import { runSoak } from './run-soak.ts';

/** The start of the cluster, and the time until all pods have settled. */
const OVERHEAD_MS = 20 * 60_000;

const [minutes = '', seed = ''] = process.argv.slice(2);
const options =
  parseArguments(() => ({
    minutes: parseWholeNumber('MINUTES', minutes, 1) ?? 30,
    seed: parseWholeNumber('SEED', seed, 0) ?? Date.now() % 1_000_000,
  })) ?? process.exit(2);
const soak: Scenario = {
  id: 'Soak',
  title: 'Random faults, one after the other, while pods and deployments are created',
  rule: 'P1, P2, P3, P8, PL12',
  bar: 'All pods of deployments run where their images run; none was refused, none evicted twice or wrongly; no gate is left; memory and sockets do not grow',
  done: 'A whole installation on a local cluster: two real webhooks behind a Service, two real operators, a real registry and a real Redis behind TCP proxies. A pod every 2 s and a deployment every 4 s, each with a new tag for arm64, amd64 or both; the oldest are deleted. Faults of the registry, Redis, webhooks, the leader and the API server follow in random order. In the last 60 % of the time no operator is ended, so that its memory can be observed',
  fakes: ['the Service: a TCP proxy that probes readiness once a second'],
  run: (context) => runSoak(context, options),
};
const print = createPrinter();
const shared = new SharedCluster(print);
try {
  print(`${options.minutes} min, seed ${options.seed}`);
  const deadlineMs = options.minutes * 60_000 + OVERHEAD_MS;
  const result = await runScenario(
    soak,
    shared,
    (line) => {
      print(`  ${line}`);
    },
    deadlineMs,
  );
  reportResult(result, print);
  await storeFaultResult(RELIABILITY_SOAK, result);
  process.exitCode = result.held ? 0 : 1;
} finally {
  await shared.stop();
}
// A half-open connection to a process that was killed would keep this one alive.
process.exit();
