import { podManifest } from './gate-suite.ts';
import type { GateCase } from './gate-suite.ts';
import type { JsonObject } from '@archpolicy/core';

/**
 * A CEL expression that is false for an update that changes annotations. Of the patches that lift a gate, only the
 * first level (`full`) changes them, because it records the decision in an annotation.
 */
export const KEEPS_ANNOTATIONS = 'object.metadata.?annotations == oldObject.metadata.?annotations';

const API_VERSION = 'admissionregistration.k8s.io/v1';

/**
 * Rejects every update of the case's pods for which the CEL expression is false. Resolves once the API server enforces
 * the policy.
 */
export async function rejectUpdatesUnless(testCase: GateCase, expression: string, reason = 'Forbidden'): Promise<void> {
  const { suite, name } = testCase;
  const namespaceSelector = { matchLabels: { case: name } };
  await suite.apply(admissionPolicy(name, expression, reason), {
    apiVersion: API_VERSION,
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name },
    spec: { policyName: name, validationActions: ['Deny'], matchResources: { namespaceSelector } },
  });
  // The API server enforces a new policy only after some time. Probe it with updates of a pod that ArchPolicy skips.
  await testCase.create({
    ...podManifest('probe', 'probe'),
    metadata: { name: 'probe', labels: { 'archpolicy.dev/skip': 'true' } },
  });
  const annotate = ['-n', name, 'annotate', 'pod', 'probe', '--dry-run=server', 'a=b'];
  await suite.until('the policy to be in force', async () => {
    const { status, stderr } = await suite.cluster.kubectl(annotate);
    return status !== 0 && stderr.includes(`'${name}'`);
  });
}

/** Replaces the CEL expression of the case. The API server enforces the new one after some time. */
export async function changeExpression(testCase: GateCase, expression: string): Promise<void> {
  await testCase.suite.apply(admissionPolicy(testCase.name, expression, 'Forbidden'));
}

function admissionPolicy(name: string, expression: string, reason: string): JsonObject {
  const rule = { apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['UPDATE'] };
  return {
    apiVersion: API_VERSION,
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name },
    spec: { matchConstraints: { resourceRules: [rule] }, validations: [{ expression, reason }] },
  };
}
