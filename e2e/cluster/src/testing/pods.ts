import { z } from 'zod';
import type { TestCluster } from '../start-cluster.ts';

const stateSchema = z.object({
  running: z.object({ startedAt: z.string() }).optional(),
  terminated: z
    .object({
      exitCode: z.int(),
      reason: z.string(),
      message: z.string().optional(),
      startedAt: z.string(),
      finishedAt: z.string(),
    })
    .optional(),
  waiting: z.object({ reason: z.string(), message: z.string().optional() }).optional(),
});

const podSchema = z.object({
  metadata: z.object({ name: z.string(), uid: z.string() }),
  spec: z.object({ nodeName: z.string().default('') }),
  status: z.object({
    phase: z.string(),
    conditions: z.array(z.object({ type: z.string(), status: z.string(), message: z.string().optional() })).default([]),
    containerStatuses: z
      .array(
        z.object({
          ready: z.boolean(),
          restartCount: z.int(),
          state: stateSchema,
          lastState: stateSchema.default({}),
        }),
      )
      .default([]),
  }),
});
export type Pod = z.infer<typeof podSchema>;

/** The pods with a label `app`. */
export async function podsOf(cluster: TestCluster, app: string): Promise<readonly Pod[]> {
  const { stdout } = await cluster.kubectl(['get', 'pods', '-l', `app=${app}`, '-o', 'json']);
  return z.object({ items: z.array(podSchema) }).parse(JSON.parse(stdout)).items;
}

/** Every state in which pods with a label `app` were seen within that many seconds. */
export async function watchPods(cluster: TestCluster, app: string, seconds: number): Promise<readonly Pod[]> {
  const args = ['get', 'pods', '-l', `app=${app}`, '--watch', `--request-timeout=${seconds}s`, '--output-watch-events'];
  const { stdout } = await cluster.kubectl([...args, '-o', 'jsonpath={.object}{"\\n"}']);
  const lines = stdout.split('\n').filter((line) => line.startsWith('{'));
  return lines.map((line) => podSchema.parse(JSON.parse(line)));
}

/** A Deployment whose pods carry the label `app` and annotations. */
export function deployment(app: string, replicas: number, annotations: Readonly<Record<string, string>> = {}): string {
  return JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: app },
    spec: {
      replicas,
      selector: { matchLabels: { app } },
      template: {
        metadata: { labels: { app }, annotations },
        spec: { containers: [{ name: 'main', image: 'registry.example/app:v1' }] },
      },
    },
  });
}
