/**
 * The baseline of `make bench-webhook`: an HTTPS server that parses the review and returns a constant patch. It runs
 * with the same Node.js as the webhook. The additional time that the webhook takes is the cost of its decision.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';

const [directory = '', port = '0'] = process.argv.slice(2);

const patch = Buffer.from(
  JSON.stringify([
    {
      op: 'add',
      path: '/spec/affinity',
      value: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: 'kubernetes.io/arch', operator: 'In', values: ['arm64'] }] },
            ],
          },
        },
      },
    },
  ]),
).toString('base64');

/** Returns undefined for a malformed review, which `make bench-webhook PARTS=mixed` sends. */
function parseUid(body: Buffer): string | undefined {
  try {
    return (JSON.parse(body.toString('utf8')) as { request: { uid: string } }).request.uid;
  } catch {
    return undefined;
  }
}

const server = createServer(
  {
    cert: readFileSync(join(directory, 'tls.crt')),
    key: readFileSync(join(directory, 'tls.key')),
    minVersion: 'TLSv1.3',
    keepAliveTimeout: 95_000,
  },
  (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const uid = parseUid(Buffer.concat(chunks));
      if (uid === undefined) {
        response.writeHead(400, { 'content-length': 0, connection: 'close' }).end();
        return;
      }
      const body = JSON.stringify({
        kind: 'AdmissionReview',
        apiVersion: 'admission.k8s.io/v1',
        response: { uid, allowed: true, patchType: 'JSONPatch', patch },
      });
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
      response.end(body);
    });
  },
);
server.listen(Number(port), '127.0.0.1');
