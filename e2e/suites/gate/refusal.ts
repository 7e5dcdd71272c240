import { podOf } from './stage.ts';
import type { Scene } from './stage.ts';

/** Refuses what changes an annotation: the first level, and no other. */
export const NO_NOTES = 'object.metadata.?annotations == oldObject.metadata.?annotations';

/** Refuses updates of the scene's pods where this does not hold, from the moment at which it resolves. */
export async function refuseUnless(scene: Scene, expression: string, reason = 'Forbidden'): Promise<void> {
  const { stage, name } = scene;
  const rule = { apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['UPDATE'] };
  const object = { apiVersion: 'admissionregistration.k8s.io/v1', metadata: { name } };
  const namespaceSelector = { matchLabels: { scene: name } };
  await stage.apply(
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
  // A policy acts some moments after it was made.
  await scene.create({
    ...podOf('probe', 'probe'),
    metadata: { name: 'probe', labels: { 'archpolicy.dev/skip': 'true' } },
  });
  const annotate = ['-n', name, 'annotate', 'pod', 'probe', '--dry-run=server', 'a=b'];
  await stage.until('the policy to act', async () => {
    const { status, stderr } = await stage.cluster.kubectl(annotate);
    return status !== 0 && stderr.includes(`'${name}'`);
  });
}
