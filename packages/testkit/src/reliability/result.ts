import type { Conditions } from '../performance/index.ts';

/** One figure that a scenario of the fault model has seen. */
export interface Observation {
  /** What was counted or measured, such as `evictions by the former leader`. */
  readonly what: string;
  /** A number with its unit, or a word such as `yes`. */
  readonly value: string;
  /** The bar in words, such as `at most 0`. Absent if the figure only explains other figures. */
  readonly bar?: string;
  readonly held: boolean;
}

/** A fault, what is done to cause it, and what must hold. */
export interface FaultDescription {
  /** `F1` to `F33`, or `Soak`. */
  readonly id: string;
  /** The fault, such as `The leader crashes, is partitioned or pauses`. */
  readonly title: string;
  /** The rules and promises of docs/design.md that the fault puts to the test, such as `P3, R8`. */
  readonly rule: string;
  /** What must hold, in one sentence. */
  readonly bar: string;
  /** What the scenario does, with which real parts. */
  readonly done: string;
  /** The parts that are not real, each with the reason. */
  readonly fakes?: readonly string[];
}

/** What one run of a scenario has seen: one entry of docs/reliability/results.json. */
export interface FaultResult extends FaultDescription, Conditions {
  readonly observations: readonly Observation[];
  /** Whether every observation held and the scenario ended without an error. */
  readonly held: boolean;
  /** Why the scenario ended early, or the known reason for a bar that was missed. */
  readonly problem?: string;
  /** How long the scenario took. */
  readonly seconds: number;
}
