import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readCpuMs, readMemory } from '../process-usage.ts';

const MAIN = join(import.meta.dirname, '..', '..', '..', 'operator', 'src', 'main.ts');
const POLL_MS = 20;

/** A running operator: the real program in its own process. */
export interface ObservedOperator {
  readonly pid: number;
  /** When it was started, in monotonic milliseconds. */
  readonly startedAtMs: number;
  /** Returns the seconds since the start. */
  sinceStart(): number;
  /** Resolves once /readyz returns 200. Rejects if the process exits before. */
  ready(): Promise<void>;
  metrics(): Promise<Metrics>;
  /** Returns the current and the peak resident memory, in MiB. */
  memory(): Promise<{ readonly nowMiB: number; readonly peakMiB: number }>;
  /** Returns the CPU time that all threads of the operator have used so far, in seconds. */
  cpuSeconds(): Promise<number>;
  kill(signal: NodeJS.Signals): void;
  /** Resolves with its exit status. */
  readonly ended: Promise<number | null>;
  /** Stops the operator by SIGTERM and waits for its exit. */
  stop(): Promise<void>;
}

/** A scrape of /metrics. */
export interface Metrics {
  /** Returns the value of a line such as `archpolicy_leader` or `x_total{result="evicted"}`; NaN if it is missing. */
  value(name: string): number;
}

/** Starts operator/src/main.ts, or another program file of the operator, with this environment. */
export function startOperator(
  env: Readonly<Record<string, string>>,
  metricsPort: number,
  program = MAIN,
): ObservedOperator {
  const startedAtMs = performance.now();
  const address = `127.0.0.1:${metricsPort}`;
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program], {
    env: { ...env, ARCHPOLICY_METRICS_ADDRESS: address },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('the operator could not be started');
  const ended = once(child, 'exit').then(([status]) => status as number | null);
  return {
    pid,
    startedAtMs,
    sinceStart: () => (performance.now() - startedAtMs) / 1_000,
    ended,
    ready: () => waitUntilReady(`http://${address}/readyz`, child),
    metrics: async () => parseMetrics(await (await fetch(`http://${address}/metrics`)).text()),
    memory: () => readMemory(pid),
    cpuSeconds: async () => (await readCpuMs(pid)) / 1_000,
    kill: (signal) => {
      child.kill(signal);
    },
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function waitUntilReady(url: string, child: ChildProcess): Promise<void> {
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('the operator ended');
    const answer = await fetch(url).catch(() => undefined);
    await answer?.text();
    if (answer?.status === 200) return;
    await delay(POLL_MS);
  }
}

function parseMetrics(text: string): Metrics {
  const lines = new Map(text.split('\n').map((line) => [line.slice(0, line.lastIndexOf(' ')), line]));
  return { value: (name) => Number(lines.get(name)?.slice(name.length + 1) ?? Number.NaN) };
}
