import { systemClock } from '@archpolicy/async';
import type { ApiFault, ApiRequestSeen } from '../api-server/index.ts';
import { fastClock } from '../clock/index.ts';
import { renderApiAnswer } from '../fuzz/index.ts';
import type { ApiAnswerAxes, FuzzCase } from '../fuzz/index.ts';
import type { World } from '../world.ts';
import type { FuzzedProcess } from './fuzzed-process.ts';
import { usualAnswer } from './usual-answer.ts';

/** Retries after some 10 s come after 0.2 s. */
const SPEED = 50;
const STEP_MS = 10;
/** Far longer than each step takes on a loaded machine: only a process that hangs needs as long. */
const MAX_STEPS = 6_000;
/** More connections than the watches, Leases and calls of a healthy process use. */
const MAX_CONNECTIONS = 20;

/** One life of a process: it works, gets wrong responses, gets right responses, works again, and stops. */
export class ProcessRun {
  readonly #world: World;
  readonly #process: FuzzedProcess;
  readonly #cases: FuzzCase<ApiAnswerAxes>[];
  readonly #end = new AbortController();
  #ended: string | undefined;
  #isFuzzing = false;

  constructor(world: World, process: FuzzedProcess, cases: readonly FuzzCase<ApiAnswerAxes>[]) {
    this.#world = world;
    this.#process = process;
    this.#cases = [...cases];
    world.api.fault = (request) => this.#answer(request);
  }

  /** Returns what went wrong. */
  async run(): Promise<string | undefined> {
    const running = this.#keepRunning();
    try {
      return (
        (await this.#until('the process does not start', () => this.#process.works())) ??
        (await this.#fuzz()) ??
        (await this.#until('the process does not work afterwards', () => this.#process.works())) ??
        (await this.#until(
          'too many connections',
          async () => (await this.#world.api.connections()) <= MAX_CONNECTIONS,
        ))
      );
    } finally {
      this.#process.close();
      this.#end.abort();
      await running;
    }
  }

  async #fuzz(): Promise<string | undefined> {
    const { api } = this.#world;
    this.#isFuzzing = true;
    let problem: string | undefined;
    const done = await this.#until('the process sends no requests', async () => {
      for (const watch of [...api.watches]) watch.end();
      problem = await this.#process.work();
      return problem !== undefined || this.#cases.length === 0;
    });
    this.#isFuzzing = false;
    // The process may have stored a wrong list. A server that has restarted makes its clients list again.
    for (const { path } of api.requests) api.compact(path);
    for (const watch of [...api.watches]) watch.end();
    return problem ?? done;
  }

  #answer(request: ApiRequestSeen): ApiFault | undefined {
    const one = this.#isFuzzing ? this.#cases.shift() : undefined;
    if (one === undefined) return this.#process.answer(request);
    const right = usualAnswer(this.#world.api, request);
    const { choice, random } = one;
    return { kind: 'raw', answer: renderApiAnswer(choice, { right, method: request.method, random }) };
  }

  /** Runs the process, again whenever it ended as it may. */
  async #keepRunning(): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted && this.#ended === undefined) {
      try {
        await this.#process.run(fastClock(SPEED), signal);
        if (!this.#end.signal.aborted) this.#ended = 'the process ended';
      } catch (error) {
        if (!this.#process.mayEnd(error))
          this.#ended = `the process ended: ${error instanceof Error ? (error.stack ?? '') : String(error)}`;
      }
    }
  }

  /** Polls until `holds` returns true. Returns the text if that takes too long, or why the process has ended. */
  async #until(text: string, holds: () => Promise<boolean>): Promise<string | undefined> {
    const clock = systemClock();
    for (let step = 0; step < MAX_STEPS; step += 1) {
      if (await holds()) return this.#ended;
      if (this.#ended !== undefined) return this.#ended;
      await clock.sleep(STEP_MS);
    }
    return text;
  }
}
