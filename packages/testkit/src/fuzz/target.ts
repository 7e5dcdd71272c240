import type { Axes } from './axes.ts';
import type { FuzzCase } from './case-source.ts';

/** A class of which objects are counted. */
export type CountedClass = new (...args: never[]) => object;

/** The part of the product that a fuzzer runs, and the input that it varies. */
export interface FuzzTarget<A extends Axes> {
  readonly name: string;
  readonly axes: A;
  /** Axes whose values are equally likely in random cases. For the other axes, the first value is more likely. */
  readonly even?: readonly (keyof A & string)[];
  /** Each outcome of a case is one of these. */
  readonly outcomes: ReadonlySet<string>;
  /** Number of cases that run concurrently. */
  readonly batchSize: number;
  /** Classes whose live objects must not become more, such as sockets and buffers. */
  readonly counted: readonly CountedClass[];
  /**
   * How long after a batch its resources may stay open, because a library closes them by timeouts of its own. They are
   * then counted together with the objects. Absent: they are counted after each batch.
   */
  readonly lingerMs?: number;
  /** Opens the servers that all batches share. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Runs the cases, closes all that they opened, and returns the outcome of each case. */
  run(cases: readonly FuzzCase<A>[]): Promise<readonly string[]>;
  /** Returns the number of open connections to the servers. It must become zero. */
  readonly connections: () => number;
}
