import { WEBHOOK, VERSION } from '@archpolicy/process';
import { runMain } from '@archpolicy/service';
import { runWebhook } from './app.ts';
import { variables } from './config.ts';

await runMain(process, {
  name: WEBHOOK,
  version: VERSION,
  help: `
The admission webhook of ArchPolicy: constrains each pod, when it is created, to the nodes that can run all of its
images. It serves POST /mutate over TLS 1.3 and takes no arguments; it is configured by the environment.`,
  variables,
  run: runWebhook,
});
