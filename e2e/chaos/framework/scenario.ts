import type { FaultDescription, Observation } from '@archpolicy/testkit';
import type { ChaosCluster } from '../cluster/chaos-cluster.ts';

/** One fault of the fault model, as a program that causes it and observes what follows. */
export interface Scenario extends FaultDescription {
  readonly run: (context: ScenarioContext) => Promise<readonly Observation[]>;
}

/** What a scenario gets from the runner. */
export interface ScenarioContext {
  /** Returns the cluster that scenarios share. It is started when the first scenario needs it. */
  readonly cluster: () => Promise<ChaosCluster>;
  /** Stops the shared cluster after this scenario, because the scenario damages it. The next one gets a new cluster. */
  readonly discardCluster: () => void;
  /** Registers an action for the end of the scenario, also after an error. The last one runs first. */
  readonly cleanUp: (action: () => Promise<unknown>) => void;
  /** Prints a line of progress. */
  readonly progress: (line: string) => void;
}
