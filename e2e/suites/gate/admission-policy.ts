import { podManifest } from './gate-suite.ts';
import type { GateCase } from './gate-suite.ts';

/**
 * A CEL expression that is false for an update that changes annotations. Of the patches that lift a gate, only the
 * first level (`full`) changes them, because it records the decision in an annotation.
 */
export const KEEPS_ANNOTATIONS = 'object.metadata.?annotations == oldObject.metadata.?annotations';

/**
 * Rejects every update of the case's pods for which the CEL expression is false. Resolves once the API server enforces
 * the policy.
 */
export async function rejectUpdatesUnless(testCase: GateCase, expression: string, reason = 'Forbidden'): Promise<void> {
  const { suite, name } = testCase;
  const rule = { apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['UPDATE'] };
  const object = { apiVersion: 'admissionregistration.k8s.io/v1', metadata: { name } };
  const namespaceSelector = { matchLabels: { case: name } };
  await suite.apply(
    {
      ...object,
      kind: 'ValidatingAdmissionPolicy',
      spec: { matchConstraints: { resourceRules: [rule] }, validations: [{ expression, reason }] },
    },
    {
      ...object,
      kind: 'ValidatingAdmissionPolicyBinding',
      spec: { policyName: name, validationActions: ['Deny'], matchResources: { namespaceSelector } },
    },
  );
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
