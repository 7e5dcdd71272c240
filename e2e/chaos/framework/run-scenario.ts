import { setTimeout as sleep } from 'node:timers/promises';
import { readConditions } from '@archpolicy/testkit';
import type { FaultResult, Observation } from '@archpolicy/testkit';
import type { Scenario, ScenarioContext } from './scenario.ts';
import type { SharedCluster } from '../cluster/shared-cluster.ts';

/** Maximum duration of a scenario; all of them together are meant to take less than 25 minutes. */
const DEADLINE_MS = 6 * 60_000;

/**
 * Runs one scenario and returns what it has seen. An error of the scenario is a result that does not hold. After an
 * error the shared cluster is stopped, because its state is unknown.
 */
export async function runScenario(
  scenario: Scenario,
  shared: SharedCluster,
  progress: (line: string) => void,
  deadlineMs = DEADLINE_MS,
): Promise<FaultResult> {
  const actions: (() => Promise<unknown>)[] = [];
  const cluster = { isUsable: true };
  const context: ScenarioContext = {
    cluster: () => shared.get(),
    discardCluster: () => {
      cluster.isUsable = false;
    },
    cleanUp: (action) => {
      actions.unshift(action);
    },
    progress,
  };
  const startedAt = performance.now();
  const outcome = await observe(scenario, context, deadlineMs);
  const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
  const problems = [...outcome.problems, ...(await runAll(actions))];
  if (!cluster.isUsable || problems.length > 0) await shared.stop();
  else await shared.clear();
  const { id, title, rule, bar, done, fakes } = scenario;
  return {
    ...{ id, title, rule, bar, done, ...(fakes !== undefined && { fakes }) },
    observations: outcome.observations,
    held: problems.length === 0 && outcome.observations.length > 0 && outcome.observations.every(({ held }) => held),
    ...(problems.length > 0 && { problem: problems.join('; ') }),
    seconds,
    ...(await readConditions()),
  };
}

interface Outcome {
  readonly observations: readonly Observation[];
  readonly problems: readonly string[];
}

async function observe(scenario: Scenario, context: ScenarioContext, deadlineMs: number): Promise<Outcome> {
  const finished = new AbortController();
  try {
    const observations = await Promise.race([
      scenario.run(context),
      sleep(deadlineMs, undefined, { signal: finished.signal }).then(() => {
        throw new Error(`did not end within ${deadlineMs / 1000} s`);
      }),
    ]);
    return { observations, problems: [] };
  } catch (error) {
    context.progress(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return { observations: [], problems: [summarize(error)] };
  } finally {
    finished.abort();
  }
}

/** Runs all actions, also after a failed one. Returns the errors. */
async function runAll(actions: readonly (() => Promise<unknown>)[]): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const action of actions) {
    await action().catch((error: unknown) => problems.push(`clean-up: ${summarize(error)}`));
  }
  return problems;
}

/** Returns the first line of an error; the others are logs, which went to the progress. */
function summarize(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}
