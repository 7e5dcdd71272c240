import type { AccessRule } from './fake-registry.ts';

/** Requires one of these `user:password` pairs by HTTP Basic. */
export function basicAccess(pairs: readonly string[]): AccessRule {
  return (request) => {
    const [, encoded] = /^Basic (.+)$/.exec(request.headers.authorization ?? '') ?? [];
    const pair = encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString();
    if (pair !== undefined && pairs.includes(pair)) return undefined;
    return { kind: 'answer', status: 401, headers: { 'www-authenticate': 'Basic realm="testkit"' } };
  };
}

/** Builds the JSON of a `kubernetes.io/dockerconfigjson` Secret. */
export function dockerConfigJson(auths: Readonly<Record<string, string | object>>): string {
  const entries = Object.entries(auths).map(([key, value]) => [
    key,
    typeof value === 'string' ? { auth: Buffer.from(value, 'utf8').toString('base64') } : value,
  ]);
  return JSON.stringify({ auths: Object.fromEntries(entries) as Record<string, object> });
}
