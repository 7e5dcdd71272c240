/** What the programs `make up`, `make down` and `make up REAL=1` have in common. */
import { CommanderError } from 'commander';
import type { Command } from 'commander';
import { ClusterError, errorMessage } from './errors.ts';
import type { StartEvent } from './supervisor/protocol.ts';

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Prints how long a step took, unless it took almost no time. */
export function printStep(event: StartEvent): void {
  if (event.kind === 'done' && !event.wasRunning && event.seconds >= 0.05)
    print(`  ${event.name} (${event.seconds.toFixed(1)} s)`);
}

/** Returns a signal that is aborted when the process is asked to end. */
export function listenForInterrupts(): AbortSignal {
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      interrupt.abort();
    });
  }
  return interrupt.signal;
}

/** Runs the command of the arguments. Prints an error with one line, and sets the exit status. */
export async function runCommand(program: Command): Promise<void> {
  // Ignore errors of stdout, because the cluster must keep running if the reader of stdout exits (`make up | head`).
  process.stdout.on('error', () => undefined);
  try {
    await program.parseAsync();
  } catch (error) {
    // Commander has already printed its own error.
    if (!(error instanceof CommanderError))
      process.stderr.write(`${error instanceof ClusterError ? error.message : errorMessage(error)}\n`);
    process.exitCode = exitStatus(error);
  }
}

function exitStatus(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (!(error instanceof ClusterError)) return 1;
  // 128 plus the number of SIGINT, which is the exit status of shells.
  if (error.code === 'Cancelled') return 130;
  return error.code === 'Config' ? 2 : 1;
}
