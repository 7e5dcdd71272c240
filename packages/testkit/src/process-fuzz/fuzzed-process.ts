import type { Clock } from '@archpolicy/async';
import type { ApiFaultRule } from '../api-server/index.ts';
import type { World } from '../world.ts';

/** A whole process that runs against a fake API server. */
export interface FuzzedProcess {
  /** Runs until the signal aborts. Rejects if the process would end with an error. */
  run(clock: Clock, signal: AbortSignal): Promise<void>;
  /** The regular responses that the fake API server does not know. */
  readonly answer: ApiFaultRule;
  /** Does something that makes the process send requests. Returns what went wrong. */
  work(): Promise<string | undefined>;
  /** Does something new. Returns whether the process handled it correctly, as soon as it has. */
  works(): Promise<boolean>;
  /** Whether the process may end with this error; it is then started again. */
  mayEnd(error: unknown): boolean;
  close(): void;
}

export type CreateFuzzedProcess = (world: World) => FuzzedProcess;
