import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestCluster } from '@archpolicy/e2e';

/** Lines of each log that a failure shows: the last minute or so of a busy operator. */
const LINES = 60;
/** A line of a structured log may carry a whole object. */
const LINE_LENGTH = 400;

async function tail(cluster: TestCluster, component: string): Promise<string> {
  const text = await readFile(join(cluster.directory, 'log', `${component}.log`), 'utf8').catch(() => '(no log)');
  const lines = text.trimEnd().split('\n').slice(-LINES);
  return lines.map((line) => line.slice(0, LINE_LENGTH)).join('\n');
}

/** Runs part of a test; when it fails, says what the cluster looked like: pods, and the ends of our processes' logs. */
export async function diagnosed<T>(cluster: () => TestCluster, part: () => Promise<T>): Promise<T> {
  try {
    return await part();
  } catch (error) {
    const pods = await cluster().kubectl(['get', 'pods', '-A', '-o', 'wide']);
    const logs = await Promise.all(['webhook', 'operator'].map((component) => tail(cluster(), component)));
    throw new Error(
      [
        error instanceof Error ? error.message : String(error),
        pods.stdout,
        'webhook:',
        logs[0],
        'operator:',
        logs[1],
      ].join('\n'),
      { cause: error },
    );
  }
}
