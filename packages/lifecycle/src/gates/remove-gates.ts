import { LeaseObserver } from '@archpolicy/kube';
import { OPERATOR } from '@archpolicy/process';
import { LifecycleError } from '../errors.ts';
import type { CommandParts } from '../ports.ts';
import { liftGates, listGatedPods } from './gated-pods.ts';
import type { GatedPod } from './gated-pods.ts';
import { nextGateStep } from './gate-step.ts';

const QUIET = { debug: (): void => undefined };
/** Time before the next list after a failed one. */
const RETRY_MS = 1_000;

/**
 * P9: waits until the operator has lifted all gates, and removes the ones that it leaves. Ends when two lists 2 s apart
 * contain no gated pod.
 *
 * @throws LifecycleError `NotRemoved` if gates remain
 */
export async function removeGates(parts: CommandParts, signal: AbortSignal): Promise<void> {
  const { api, clock, namespace, report } = parts;
  const lease = new LeaseObserver({
    ...{ api, clock, logger: QUIET, trustFirstRead: true },
    lease: { namespace, name: OPERATOR },
  });
  const startedAt = clock.monotonic();
  let emptyLists = 0;
  let rejection: string | undefined;
  for (;;) {
    const gated = await gather(parts, lease, signal);
    emptyLists = gated.length === 0 ? emptyLists + 1 : 0;
    const elapsedMs = clock.monotonic() - startedAt;
    const step = nextGateStep({ gated: gated.length, emptyLists, elapsedMs, isOperatorAlive: lease.isFresh() });
    switch (step.kind) {
      case 'done':
        report('gates: no pod is gated');
        return;
      case 'wait':
        if (gated.length > 0) report(`gates: ${gated.length} pods are gated, waiting for the operator`);
        await clock.sleep(step.ms, signal);
        break;
      case 'lift': {
        const result = await liftGates(api, gated, signal);
        ({ rejection } = result);
        report(`gates: removed ${result.lifted} of ${gated.length}${rejection === undefined ? '' : ` (${rejection})`}`);
        if (result.lifted < gated.length) await clock.sleep(RETRY_MS, signal);
        break;
      }
      case 'give-up':
        throw new LifecycleError('NotRemoved', describeRemaining(gated, rejection));
    }
  }
}

/** Reads the operator's Lease and the gated pods. Retries a limited number of failed calls. */
async function gather(
  { api, clock, report }: CommandParts,
  lease: LeaseObserver,
  signal: AbortSignal,
): Promise<readonly GatedPod[]> {
  for (let failures = 0; ; failures += 1) {
    try {
      await lease.refresh(signal);
      return await listGatedPods(api, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (failures >= MAX_FAILED_LISTS) throw error;
      report(`gates: the pods cannot be listed, retrying (${error instanceof Error ? error.message : 'no response'})`);
      await clock.sleep(RETRY_MS, signal);
    }
  }
}

const MAX_FAILED_LISTS = 30;

function describeRemaining(gated: readonly GatedPod[], rejection: string | undefined): string {
  const names = gated.slice(0, 5).map(({ namespace, name }) => `${namespace}/${name}`);
  const cause = rejection === undefined ? '' : ` The last rejection: ${rejection}.`;
  return (
    `${gated.length} pods still have the gate archpolicy.dev/inspecting, such as ${names.join(', ')}.${cause} ` +
    'Remove the cause and run the command again, or use the kubectl line of docs/placement.md'
  );
}
