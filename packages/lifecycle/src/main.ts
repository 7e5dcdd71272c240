import { createInterface } from 'node:readline/promises';
import { VERSION } from '@archpolicy/process';
import { runMain } from '@archpolicy/service';
import { NAME, runLifecycle } from './app.ts';
import { variables } from './config.ts';

async function ask(question: string): Promise<string | undefined> {
  if (!process.stdin.isTTY) return undefined;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return await terminal.question(question);
  } finally {
    terminal.close();
  }
}

await runMain(process, {
  name: NAME,
  version: VERSION,
  help: `
Removes ArchPolicy from a cluster, or checks that it works there.

  remove  removes the webhook configuration, then the gates of all pods: the operator has 30 s to lift them with the
          result of the inspections, then only the gate is removed. An interrupted removal is finished by a second one.
    --manifests FILE  also removes the objects of FILE, the output of kubectl kustomize, and what the processes created
    --policies        also removes all policies; requires --manifests
    --crds            also removes the CRD, and with it all policies; requires --manifests
    --yes             does not ask
  check   checks the webhook configuration, both Leases, and that a dry run of a pod comes back annotated

The exit status is 0 if everything was removed or works, 1 if not, 2 after wrong use.`,
  variables,
  takesArguments: true,
  run: (context) => runLifecycle(context, { write: (text) => process.stdout.write(text), ask }),
});
