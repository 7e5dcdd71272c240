import type { JsonObject } from '@archpolicy/core';

/** Returns a review of 7.5 KB as an API server sends it: the pod of a ReplicaSet with two containers and an init container. */
export function benchReview(image: string): Buffer {
  const pods = { group: '', version: 'v1', resource: 'pods' };
  const kind = { group: '', version: 'v1', kind: 'Pod' };
  const request = {
    uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
    kind,
    resource: pods,
    requestKind: kind,
    requestResource: pods,
    namespace: 'shop',
    operation: 'CREATE',
    userInfo: {
      username: 'system:serviceaccount:kube-system:replicaset-controller',
      uid: 'b7d3c1f0-23d4-4b58-9f7b-6d2f2b9c8a77',
      groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'],
    },
    object: replicaSetPod(image),
    oldObject: null,
    dryRun: false,
    options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
  };
  return Buffer.from(JSON.stringify({ kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', request }));
}

function replicaSetPod(image: string): JsonObject {
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: {
      generateName: 'checkout-7c9d8b6f5d-',
      creationTimestamp: null,
      labels: { app: 'checkout', team: 'payments', 'pod-template-hash': '7c9d8b6f5d' },
      annotations: { 'prometheus.io/scrape': 'true', 'prometheus.io/port': '9102' },
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          name: 'checkout-7c9d8b6f5d',
          uid: '4c8b9c1e-0b1f-4a53-9d86-5c1c7b1d2f11',
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
      managedFields: managedFields(),
    },
    spec: {
      volumes: [
        { name: 'config', configMap: { name: 'checkout', defaultMode: 420 } },
        { name: 'kube-api-access-x7k2p', projected: { sources: projectedSources(), defaultMode: 420 } },
      ],
      initContainers: [container('migrate', image)],
      containers: [container('main', image), container('proxy', image)],
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      serviceAccountName: 'checkout',
      serviceAccount: 'checkout',
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      schedulerName: 'default-scheduler',
      tolerations: ['not-ready', 'unreachable'].map((condition) => ({
        key: `node.kubernetes.io/${condition}`,
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds: 300,
      })),
      priority: 0,
      enableServiceLinks: true,
      preemptionPolicy: 'PreemptLowerPriority',
    },
    status: {},
  };
}

function container(name: string, image: string): JsonObject {
  const probe = { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 };
  return {
    name,
    image,
    ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
    env: Array.from({ length: 8 }, (_, i) => ({
      name: `SETTING_${i}`,
      value: `https://service-${i}.shop.svc:8443/v1`,
    })),
    resources: { limits: { memory: '512Mi' }, requests: { cpu: '100m', memory: '256Mi' } },
    volumeMounts: [
      { name: 'config', mountPath: '/etc/checkout' },
      { name: 'kube-api-access-x7k2p', readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' },
    ],
    livenessProbe: { httpGet: { path: '/healthz', port: 'http', scheme: 'HTTP' }, ...probe },
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: 'IfNotPresent',
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
  };
}

function projectedSources(): readonly JsonObject[] {
  return [
    { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
    { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
    {
      downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] },
    },
  ];
}

/** Returns managed fields, which are nearly half of a real pod. */
function managedFields(): readonly JsonObject[] {
  const containerFields = (name: string): JsonObject => ({
    [`k:{"name":"${name}"}`]: Object.fromEntries(
      ['.', 'f:env', 'f:image', 'f:imagePullPolicy', 'f:livenessProbe', 'f:name', 'f:ports', 'f:resources'].map(
        (field) => [field, {}],
      ),
    ),
  });
  const fieldsV1 = {
    'f:metadata': {
      'f:annotations': { '.': {} },
      'f:generateName': {},
      'f:labels': { '.': {}, 'f:app': {}, 'f:team': {} },
    },
    'f:spec': {
      'f:containers': { ...containerFields('main'), ...containerFields('proxy') },
      'f:initContainers': { '.': {}, ...containerFields('migrate') },
      'f:dnsPolicy': {},
      'f:restartPolicy': {},
      'f:schedulerName': {},
      'f:volumes': { '.': {}, 'k:{"name":"config"}': { '.': {}, 'f:configMap': {}, 'f:name': {} } },
    },
  };
  const entry = {
    operation: 'Update',
    apiVersion: 'v1',
    time: '2026-01-01T00:00:00Z',
    fieldsType: 'FieldsV1',
    fieldsV1,
  };
  return [{ manager: 'kube-controller-manager', ...entry }];
}
