import { arrayAt, isJsonObject, objectAt, textAt } from '@archpolicy/core';
import { bodyOrThrow, resourcePath } from '@archpolicy/kube';
import type { Api } from '@archpolicy/kube';
import type { ManifestObject } from '../objects/manifests.ts';

const POLICIES = { group: 'archpolicy.dev', version: 'v1alpha1', resource: 'archpolicies' };
const TIMEOUT_MS = 30_000;

/** Lists the policies of the cluster. Returns none if the CRD does not exist. */
export async function listPolicies(api: Pick<Api, 'request'>, signal: AbortSignal): Promise<readonly ManifestObject[]> {
  const path = resourcePath(POLICIES);
  const answer = await api.request({ method: 'GET', path, signal, timeoutMs: TIMEOUT_MS });
  if (answer.kind === 'refused' && answer.status === 404) return [];
  const body = bodyOrThrow(answer);
  return arrayAt(isJsonObject(body) ? body : {}, 'items')
    .filter(isJsonObject)
    .flatMap((item) => textAt(objectAt(item, 'metadata'), 'name') ?? [])
    .map((name) => ({ apiVersion: `${POLICIES.group}/${POLICIES.version}`, kind: 'ArchPolicy', name }));
}
