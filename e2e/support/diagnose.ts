import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SeenPod } from './pods.ts';

/** Number of log lines per process in an error. A busy operator writes as many in about one minute. */
const LINES = 40;
/** Maximum length of a line. A structured log line may contain a whole object. */
const LINE_LENGTH = 400;

export interface FailureContext {
  /** Directory of the cluster. */
  readonly directory: string;
  /** Names of the logs to include. */
  readonly logs: readonly string[];
  readonly pods: readonly SeenPod[];
}

/** Runs part of a test. If it fails, adds the pods and the last log lines of our processes to the error. */
export async function withDiagnosis<T>(context: () => FailureContext, part: () => Promise<T>): Promise<T> {
  try {
    return await part();
  } catch (error) {
    const { directory, logs, pods } = context();
    const tails = await Promise.all(logs.map(async (name) => `${name}:\n${await tail(directory, name)}`));
    const message = error instanceof Error ? error.message : String(error);
    throw new Error([message, ...pods.map(formatPod), ...tails].join('\n'), { cause: error });
  }
}

async function tail(directory: string, name: string): Promise<string> {
  const text = await readFile(join(directory, 'log', `${name}.log`), 'utf8').catch(() => '(no log)');
  const lines = text.trimEnd().split('\n').slice(-LINES);
  return lines.map((line) => line.slice(0, LINE_LENGTH)).join('\n');
}

function formatPod({ namespace, name, node, phase, ready, deleting }: SeenPod): string {
  const state = [phase, ready ? 'ready' : '', deleting ? 'deleting' : ''].filter(Boolean).join(' ');
  return `${namespace}/${name} on ${node === '' ? 'no node' : node}: ${state}`;
}
