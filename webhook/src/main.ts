import { WEBHOOK, VERSION } from '@archpolicy/process';
import { runMain } from '@archpolicy/service';
import { runWebhook } from './app.ts';
import { variables } from './config.ts';

await runMain(process, {
  name: WEBHOOK,
  version: VERSION,
  help: `
The admission webhook of ArchPolicy. It constrains each new pod to the nodes that can run all of its images.
It serves POST /mutate over TLS 1.3. It takes no arguments; configure it with environment variables.`,
  variables,
  run: runWebhook,
});
