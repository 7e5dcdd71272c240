import { readFile } from 'node:fs/promises';
import { z } from 'zod';

/** The fields that tests use. Parsing keeps all other fields, too. */
const auditEventSchema = z.looseObject({
  auditID: z.string(),
  stage: z.string(),
  verb: z.string(),
  requestURI: z.string(),
  user: z.looseObject({ username: z.string() }),
  userAgent: z.string().optional(),
  objectRef: z
    .looseObject({
      resource: z.string().optional(),
      namespace: z.string().optional(),
      name: z.string().optional(),
      subresource: z.string().optional(),
      apiGroup: z.string().optional(),
    })
    .optional(),
  responseStatus: z.looseObject({ code: z.int().optional() }).optional(),
  requestReceivedTimestamp: z.string(),
  annotations: z.record(z.string(), z.string()).optional(),
});
export type AuditEvent = z.infer<typeof auditEventSchema>;

/** Returns all events of an audit log, in the order of the log. Ignores the last line if it is still being written. */
export async function readAuditLog(path: string): Promise<readonly AuditEvent[]> {
  const lines = (await readFile(path, 'utf8')).split('\n');
  return lines.slice(0, -1).map((line) => auditEventSchema.parse(JSON.parse(line)));
}
