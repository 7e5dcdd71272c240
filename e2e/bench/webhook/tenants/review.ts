interface ReviewedPod {
  readonly images: readonly string[];
  readonly pullSecrets: readonly string[];
}

/** Returns a review of a pod that is created in the namespace. */
export function buildReview(namespace: string, { images, pullSecrets }: ReviewedPod): Buffer {
  const containers = images.map((image, index) => ({ name: `c${index}`, image }));
  const kind = { group: '', version: 'v1', kind: 'Pod' };
  const request = {
    uid: '705ab4f5-6393-11e8-b7cc-42010a800004',
    kind,
    resource: { group: '', version: 'v1', resource: 'pods' },
    namespace,
    operation: 'CREATE',
    object: {
      kind: 'Pod',
      apiVersion: 'v1',
      metadata: { generateName: `${namespace}-` },
      spec: { containers, imagePullSecrets: pullSecrets.map((name) => ({ name })) },
    },
    dryRun: false,
  };
  return Buffer.from(JSON.stringify({ kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', request }));
}
