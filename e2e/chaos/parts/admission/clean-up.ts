import type { ScenarioContext } from '../../framework/scenario.ts';

/** Registers an action for the end of the work. The last one runs first. */
export type CleanUp = ScenarioContext['cleanUp'];

/** Runs a part of a scenario that has clean-up actions of its own, and then the actions. */
export async function withCleanUp<T>(work: (cleanUp: CleanUp) => Promise<T>): Promise<T> {
  const actions: (() => Promise<unknown>)[] = [];
  try {
    return await work((action) => actions.unshift(action));
  } finally {
    for (const action of actions) await action();
  }
}
