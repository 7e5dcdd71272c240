import { readFile } from 'node:fs/promises';
import { KubeError, readContextName } from '@archpolicy/kube';
import { connectApi, VERSION } from '@archpolicy/process';
import { createLogger } from '@archpolicy/service';
import type { RunContext } from '@archpolicy/service';
import { readCommand } from './arguments.ts';
import type { RemoveCommand } from './arguments.ts';
import { runChecks } from './check/checks.ts';
import { readLifecycleConfig } from './config.ts';
import { LifecycleError } from './errors.ts';
import { describeObject, parseManifests } from './objects/manifests.ts';
import type { ManifestObject } from './objects/manifests.ts';
import type { CommandParts } from './ports.ts';
import { listPolicies } from './remove/policies.ts';
import { planRemoval } from './remove/removal-plan.ts';
import type { RemovalPhase } from './remove/removal-plan.ts';
import { remove } from './remove/remove.ts';

export const NAME = 'archpolicy-lifecycle';

/** The terminal of the command. */
export interface Terminal {
  write(text: string): unknown;
  /** Asks a question, and returns the answer; undefined if there is no terminal. */
  ask(question: string): Promise<string | undefined>;
}

/** Exit statuses: 0 everything is removed, or all checks passed; 1 not; 2 wrong use. */
export async function runLifecycle(context: RunContext, terminal: Terminal): Promise<number> {
  const command = readCommand(context.args ?? []);
  const config = readLifecycleConfig(context.env);
  const { clock, signal } = context;
  const { kubeconfig, namespace } = config;
  const logger = createLogger({ name: NAME, level: 'warn' });
  const api = await connectApi({ kubeconfig, userAgent: `${NAME}/${VERSION}`, clock, logger });
  const report = (line: string): void => {
    terminal.write(`${line}\n`);
  };
  const parts = { api, namespace, clock, report };
  try {
    if (command.kind === 'check') return await check(parts, signal);
    return await confirmAndRemove(parts, command, { kubeconfig, terminal, signal });
  } catch (error) {
    if (!(error instanceof LifecycleError || error instanceof KubeError) || signal.aborted) throw error;
    report(`failed: ${error.message}`);
    return 1;
  } finally {
    await api.close();
  }
}

async function check(parts: CommandParts, signal: AbortSignal): Promise<number> {
  const results = await runChecks(parts, signal);
  for (const { title, problem } of results)
    parts.report(problem === undefined ? `ok: ${title}` : `FAILED: ${title}: ${problem}`);
  return results.some(({ problem }) => problem !== undefined) ? 1 : 0;
}

interface Confirmation {
  readonly kubeconfig: string | undefined;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

async function confirmAndRemove(
  parts: CommandParts,
  command: RemoveCommand,
  { kubeconfig, terminal, signal }: Confirmation,
): Promise<number> {
  const phases = await plan(parts, command, signal);
  const cluster = kubeconfig === undefined ? 'the cluster of this pod' : `the context "${readContextName(kubeconfig)}"`;
  for (const line of describePlan(phases, cluster)) parts.report(line);
  if (!command.isConfirmed) {
    const answer = await terminal.ask('Remove all of this? [yes/no] ');
    if (answer?.trim().toLowerCase() !== 'yes') {
      parts.report('nothing was removed: answer yes, or use --yes');
      return 2;
    }
  }
  await remove(parts, phases, signal);
  parts.report('done');
  return 0;
}

async function plan(
  parts: CommandParts,
  command: RemoveCommand,
  signal: AbortSignal,
): Promise<readonly RemovalPhase[]> {
  const { manifests, withCrds, withPolicies } = command;
  if (manifests === undefined) return [];
  const objects = parseManifests(await readFile(manifests, 'utf8'));
  const policies: readonly ManifestObject[] = withPolicies ? await listPolicies(parts.api, signal) : [];
  return planRemoval({ objects, policies, namespace: parts.namespace, withCrds });
}

/** Returns the lines that list what is removed, in order. */
function describePlan(phases: readonly RemovalPhase[], cluster: string): readonly string[] {
  const objects = phases.flatMap((phase) => phase.objects.map((object) => `  ${describeObject(object)}`));
  return [
    `From ${cluster}, this removes:`,
    '  MutatingWebhookConfiguration archpolicy',
    '  the gate archpolicy.dev/inspecting of all pods',
    ...objects,
  ];
}
