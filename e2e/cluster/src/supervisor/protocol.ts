import { z } from 'zod';
import { targets } from '../components/catalogue.ts';
import { componentNames, initialPolicies, nodeToolNames, toolNames } from '../component/component.ts';

/** `control.json`: port, token and pid of a cluster's supervisor. */
export const controlSchema = z.object({ port: z.int().positive(), token: z.string().min(1), pid: z.int().positive() });
export type Control = z.infer<typeof controlSchema>;

/** The body of `POST /start`. */
export const startSchema = z.object({
  target: z.enum(targets),
  tools: z.partialRecord(z.enum([...toolNames, ...nodeToolNames]), z.string()),
  kubectl: z.string(),
  kubernetesVersion: z.string(),
  programs: z.object({ webhook: z.string().optional(), operator: z.string().optional() }),
  policy: z.enum(initialPolicies),
  apiServerFlags: z.array(z.string()).readonly(),
  environment: z.record(z.string(), z.string()),
});
export type StartRequest = z.infer<typeof startSchema>;

/** One line of the response to `POST /start`. The last line is `ready` or `failed`. */
export const startEventSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('done'), name: z.string(), seconds: z.number(), wasRunning: z.boolean() }),
  z.object({ kind: z.literal('ready') }),
  z.object({ kind: z.literal('failed'), message: z.string() }),
]);
export type StartEvent = z.infer<typeof startEventSchema>;

/** The response to `GET /status`. */
export const statusSchema = z.object({
  target: z.enum(targets).nullable(),
  components: z.array(
    z.object({
      name: z.enum(componentNames),
      pid: z.int().optional(),
      ports: z.array(z.int()),
      /** ISO 8601. */
      since: z.string(),
      /** How it ended; absent while it runs. */
      exit: z.string().optional(),
    }),
  ),
});
export type ClusterStatus = z.infer<typeof statusSchema>;
export type ComponentStatus = ClusterStatus['components'][number];
