import { setFlagsFromString } from 'node:v8';

// 100,000 pods in 350 MB (docs/adr/0022-the-operators-heap-is-kept-small.md). Before anything else is loaded: a heap that
// has grown for the start does not shrink. How much garbage gathers must not depend on how busy the machine is.
setFlagsFromString('--optimize-for-size');
setFlagsFromString('--semi-space-growth-factor=1');
setFlagsFromString('--heap-growing-percent=15');

const [{ runMain }, { runOperator }, { variables }, { OPERATOR, VERSION }] = await Promise.all([
  import('@archpolicy/service'),
  import('./app.ts'),
  import('./config.ts'),
  import('@archpolicy/process'),
]);

await runMain(process, {
  name: OPERATOR,
  version: VERSION,
  help: `
The operator of ArchPolicy: finds pods on nodes that cannot run all of their images and puts them right by eviction,
and keeps the status of every ArchPolicy. Of several replicas one leads, by the Lease ${OPERATOR}. It takes no arguments;
it is configured by the environment.`,
  variables,
  run: runOperator,
});
