import { Socket } from 'node:net';
import { API_ANSWER_AXES } from '../fuzz/index.ts';
import type { ApiAnswerAxes, CountedClass, FuzzCase, FuzzTarget } from '../fuzz/index.ts';
import { createWorld } from '../world.ts';
import type { CreateFuzzedProcess } from './fuzzed-process.ts';
import { ProcessRun } from './process-run.ts';

const BATCH = 100;

/**
 * Wrong responses of the API server to a whole process. Each batch starts a process of its own, and stops it at the end,
 * so that each thing that is then still open is a leak.
 */
export class ProcessTarget implements FuzzTarget<ApiAnswerAxes> {
  readonly name: string;
  readonly axes = API_ANSWER_AXES;
  readonly even = ['document'] as const;
  readonly outcomes: ReadonlySet<string> = new Set(['handled']);
  readonly batchSize = BATCH;
  readonly counted: readonly CountedClass[] = [Socket, Uint8Array];
  readonly connections = (): number => 0;
  readonly #create: CreateFuzzedProcess;

  constructor(name: string, create: CreateFuzzedProcess) {
    this.name = name;
    this.#create = create;
  }

  async start(): Promise<void> {
    // Each batch has a world of its own.
  }

  async stop(): Promise<void> {
    // Each batch has ended its world.
  }

  async run(cases: readonly FuzzCase<ApiAnswerAxes>[]): Promise<readonly string[]> {
    const world = await createWorld();
    try {
      const problem = await new ProcessRun(world, this.#create(world), cases).run();
      return cases.map(() => problem ?? 'handled');
    } finally {
      await world.end();
    }
  }
}
