import { UsageError } from './usage.ts';
import type { Scenario } from './scenario.ts';

/**
 * Returns the scenarios with these ids, in their own order.
 * @param rows ids separated by commas, such as `F11,F12`; empty for all scenarios
 * @throws Error that names an id without a scenario
 */
export function chooseScenarios(all: readonly Scenario[], rows: string): readonly Scenario[] {
  const ids = rows.split(/[\s,]+/u).filter((id) => id !== '');
  const unknown = ids.filter((id) => !all.some((scenario) => scenario.id === id));
  if (unknown.length > 0) {
    throw new UsageError(`no scenario ${unknown.join(', ')}; there are ${all.map(({ id }) => id).join(', ')}`);
  }
  return ids.length === 0 ? all : all.filter(({ id }) => ids.includes(id));
}
