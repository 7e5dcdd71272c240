import { runMain } from '@archpolicy/service';
import { runOperator } from './app.ts';
import { variables } from './config.ts';
import { NAME, VERSION } from './identity.ts';

await runMain(process, {
  name: NAME,
  version: VERSION,
  help: `
The operator of ArchPolicy: finds pods on nodes that cannot run all of their images and puts them right by eviction,
and keeps the status of every ArchPolicy. Of several replicas one leads, by the Lease ${NAME}. It takes no arguments;
it is configured by the environment.`,
  variables,
  run: runOperator,
});
