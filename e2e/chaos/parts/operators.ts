import type { OperatorProcess, OperatorProcessOptions } from '../../support/operator-process.ts';
import type { ScenarioContext } from '../framework/scenario.ts';

/** Starts an operator that is stopped at the end of the scenario, and waits until it leads. */
export async function startLeader(
  context: ScenarioContext,
  name: string,
  options: OperatorProcessOptions = {},
): Promise<OperatorProcess> {
  const chaos = await context.cluster();
  // The operator of an earlier scenario may have been killed, and its Lease would be valid for 15 s.
  await chaos.deleteLease();
  const operator = await chaos.startOperator(name, options);
  context.cleanUp(() => operator.stop());
  await chaos.waitFor(`${name} to lead`, () => operator.isLeading());
  return operator;
}

/** Starts an operator that is stopped at the end of the scenario, and waits until its views are complete. */
export async function startStandby(
  context: ScenarioContext,
  name: string,
  options: OperatorProcessOptions = {},
): Promise<OperatorProcess> {
  const chaos = await context.cluster();
  const operator = await chaos.startOperator(name, options);
  context.cleanUp(() => operator.stop());
  await chaos.waitFor(`${name} to be ready`, () => operator.isReady());
  return operator;
}
