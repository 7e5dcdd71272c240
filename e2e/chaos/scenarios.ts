import type { Scenario } from './framework/scenario.ts';
import { leaderLoss } from './rows/f15-leader-loss.ts';

/** All scenarios, in the order of the fault model. */
export const scenarios: readonly Scenario[] = [leaderLoss];
