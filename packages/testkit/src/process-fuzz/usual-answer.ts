import type { ApiRequestSeen, FakeApiServer } from '../api-server/index.ts';
import { buildUsualDocument } from '../fuzz/index.ts';

/** Returns the document that the fake API server would send: a list, a change, or an object. */
export function usualAnswer(api: FakeApiServer, { method, path, query, body }: ApiRequestSeen): Uint8Array {
  if (method !== 'GET' && body !== undefined) return Buffer.from(JSON.stringify(body));
  const items = [...api.collection(path).objects.values()];
  const [first] = items;
  if (first === undefined) return Buffer.from(buildUsualDocument(query.has('watch'), path));
  if (query.has('watch')) return Buffer.from(`${JSON.stringify({ type: 'MODIFIED', object: first })}\n`);
  return Buffer.from(JSON.stringify({ kind: 'List', apiVersion: 'v1', metadata: { resourceVersion: '7' }, items }));
}
