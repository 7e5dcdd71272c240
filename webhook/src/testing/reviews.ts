import type { Json, JsonObject } from '@archpolicy/core';
import type { PullSecrets } from '../mutate/ports.ts';

/** A pod as a ReplicaSet makes it: no name yet, no uid, defaults set. */
export function pod(spec: JsonObject = {}, metadata: JsonObject = {}): JsonObject {
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: {
      generateName: 'web-5d4f8c7b9-',
      labels: { app: 'web', 'pod-template-hash': '5d4f8c7b9' },
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          name: 'web-5d4f8c7b9',
          uid: '4c8b9c1e-0b1f-4a53-9d86-5c1c7b1d2f11',
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
      ...metadata,
    },
    spec: { restartPolicy: 'Always', schedulerName: 'default-scheduler', ...spec },
    status: {},
  };
}

/** A container as the API server fills it in. */
export function container(image: string, name = 'main'): JsonObject {
  return {
    name,
    image,
    resources: {},
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: 'IfNotPresent',
  };
}

export const UID = '705ab4f5-6393-11e8-b7cc-42010a800002';

/** The AdmissionReview that an API server sends for the creation of this object, fields in its order. */
export function review(object: Json, request: JsonObject = {}): JsonObject {
  const pods = { group: '', version: 'v1', resource: 'pods' };
  const kind = { group: '', version: 'v1', kind: 'Pod' };
  return {
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: {
      uid: UID,
      kind,
      resource: pods,
      requestKind: kind,
      requestResource: pods,
      namespace: 'shop',
      operation: 'CREATE',
      userInfo: {
        username: 'system:serviceaccount:kube-system:replicaset-controller',
        groups: ['system:authenticated'],
      },
      object,
      oldObject: null,
      dryRun: false,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
      ...request,
    },
  };
}

/** The bytes of a review. */
export function body(value: Json): Buffer {
  return Buffer.from(JSON.stringify(value));
}

/** Nothing is known of any. */
export const NO_PULL_SECRETS: PullSecrets = {
  atHand: () => ({ secrets: [], complete: true }),
  read: () => Promise.resolve({ secrets: [], complete: true }),
};
