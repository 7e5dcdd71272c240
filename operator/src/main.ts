import { setFlagsFromString } from 'node:v8';

// With these flags, the operator holds 100,000 pods in 350 MB (docs/adr/0022-keep-the-operators-heap-small.md). They
// are set before other modules are loaded, because a heap that has grown at the start does not shrink. Because of the
// two growth factors, the amount of garbage does not depend on the load of the machine.
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
The operator of ArchPolicy. It finds pods on nodes that cannot run all of their images and evicts them, lifts the gates
of new pods, and updates the status of each ArchPolicy. One of several replicas leads, by the Lease ${OPERATOR}. It takes
no arguments; configure it with environment variables.`,
  variables,
  run: runOperator,
});
