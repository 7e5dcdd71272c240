import { describe, expect, test } from '@jest/globals';
import type { Json } from '@archpolicy/core';
import { KubeError } from '../errors.ts';
import type { ApiRequest } from '../http/api-client.ts';
import { parseStatusError } from '../http/response.ts';
import type { ApiResponse } from '../http/response.ts';
import { readOwner, withOwner } from './owner-reference.ts';
import type { OwnerReference } from './owner-reference.ts';

const never = new AbortController().signal;
const DEPLOYMENT = { namespace: 'archpolicy-system', name: 'archpolicy-operator' };
const OWNER = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  name: 'archpolicy-operator',
  uid: 'new',
} as const satisfies OwnerReference;
const EARLIER = { ...OWNER, uid: 'earlier' };
const FOREIGN = { apiVersion: 'v1', kind: 'ConfigMap', name: 'archpolicy-operator', uid: 'other' };

function answering(answer: ApiResponse) {
  const paths: string[] = [];
  return {
    paths,
    request: ({ path }: ApiRequest): Promise<ApiResponse> => {
      paths.push(path);
      return Promise.resolve(answer);
    },
  };
}

describe('the owner', () => {
  test('P9 is the Deployment, read by its name', async () => {
    const api = answering({ kind: 'ok', status: 200, body: { metadata: { uid: 'new', name: 'archpolicy-operator' } } });
    expect(await readOwner(api, DEPLOYMENT, never)).toEqual(OWNER);
    expect(api.paths).toEqual(['/apis/apps/v1/namespaces/archpolicy-system/deployments/archpolicy-operator']);
  });

  test('P9 is absent if there is no such Deployment', async () => {
    expect(await readOwner(answering(parseStatusError(404, undefined, undefined)), DEPLOYMENT, never)).toBeUndefined();
  });

  test.each<[string, ApiResponse, string]>([
    ['rejected', parseStatusError(403, undefined, undefined), 'Refused'],
    ['without a UID', { kind: 'ok', status: 200, body: { metadata: {} } }, 'Malformed'],
    ['not an object', { kind: 'ok', status: 200, body: [] }, 'Malformed'],
  ])('P9 a response that is %s is a failure, not an absent owner', async (_, answer, code) => {
    const read = readOwner(answering(answer), DEPLOYMENT, never);
    await expect(read).rejects.toBeInstanceOf(KubeError);
    await expect(read).rejects.toMatchObject({ code });
  });
});

describe('the reference of an object', () => {
  test.each<[string, Json | undefined, Json]>([
    ['is added to an object without one', undefined, [OWNER]],
    ['is added to an empty list', [], [OWNER]],
    ['replaces that of an earlier Deployment', [EARLIER], [OWNER]],
    ['replaces those of several earlier Deployments', [EARLIER, FOREIGN, { ...EARLIER, uid: '2' }], [FOREIGN, OWNER]],
    ['replaces one twice in the list', [OWNER, OWNER], [OWNER]],
    ['replaces that of an earlier API version', [{ ...EARLIER, apiVersion: 'apps/v1beta1' }], [OWNER]],
    ['is added to other owners', [FOREIGN], [FOREIGN, OWNER]],
    ['replaces a value that is not a list', 'x', [OWNER]],
  ])('P9 %s', (_, ownerReferences, expected) => {
    const metadata = { name: 'x', ...(ownerReferences === undefined ? {} : { ownerReferences }) };
    expect(withOwner(metadata, OWNER)).toEqual({ name: 'x', ownerReferences: expected });
  });

  test('P9 causes no write if the object has it', () => {
    const metadata = { ownerReferences: [FOREIGN, { ...OWNER, controller: false }] };
    expect(withOwner(metadata, OWNER)).toBe(metadata);
  });
});
