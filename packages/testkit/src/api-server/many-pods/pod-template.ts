import { withoutUndefined } from '@archpolicy/core';
import type { Json, JsonObject } from '@archpolicy/core';

/** The values that differ between the pods of a large cluster. */
export interface PodValues {
  readonly namespace: string;
  /** The name of the Deployment. */
  readonly app: string;
  readonly name: string;
  readonly uid: string;
  readonly ownerUid: string;
  readonly version: number;
  readonly node: string;
  readonly image: string;
  readonly address: string;
  /** Whether the main container is Ready; otherwise it crash-loops. */
  readonly ready: boolean;
  readonly restarts: number;
  /** RFC 3339. */
  readonly since: string;
}

const SIDECARS = ['mesh/proxy:v1.30.2', 'logging/agent:3.4'] as const;
const DIGEST = 'sha256:6ecb9e2bc9f4e4a1c7a1a7f0a6b3e0a2b9a4a8e4a0b0f3d9a5a1e2f8c7d6b5a4';

type Placeholder = keyof PodValues | 'state' | 'readiness';

/** Marks the position of a value in the template's text. */
const placeholder = (name: Placeholder): string => `<${name}>`;
/**
 * Matches placeholders. The first group matches placeholders for values that are not strings, together with their
 * quotes.
 */
const PLACEHOLDERS =
  /"<(state|ready|restarts)>"|<(namespace|app|name|uid|ownerUid|version|node|image|address|since|readiness)>/gu;

/**
 * Renders a pod as JSON. The template is a pod of a real Deployment with two sidecars and an init container, from
 * `kubectl get -o json --show-managed-fields`: 14 KB, 43 % of it managed fields.
 */
export function podText(values: PodValues): string {
  const { parts, names } = TEMPLATE;
  const { ready } = values;
  const all = { ...values, state: STATES[ready ? 'running' : 'crashing'], readiness: ready ? 'True' : 'False' };
  let text = parts[0] ?? '';
  for (const [at, name] of names.entries()) text += `${String(all[name])}${parts[at + 1] ?? ''}`;
  return text;
}

interface Template {
  readonly parts: readonly string[];
  /** The placeholders between the parts. */
  readonly names: readonly Placeholder[];
}

function parseTemplate(pod: JsonObject): Template {
  const text = JSON.stringify(pod);
  const parts: string[] = [];
  const names: Placeholder[] = [];
  let end = 0;
  for (const match of text.matchAll(PLACEHOLDERS)) {
    parts.push(text.slice(end, match.index));
    names.push((match[1] ?? match[2]) as Placeholder);
    end = match.index + match[0].length;
  }
  return { parts: [...parts, text.slice(end)], names };
}

const STATES = {
  running: '{"running":{"startedAt":"2026-06-01T08:00:09Z"}}',
  crashing: JSON.stringify({
    waiting: {
      reason: 'CrashLoopBackOff',
      message: 'back-off 5m0s restarting failed container=main pod=web_shop(3fcb)',
    },
  }),
};

function container(name: string, image: string): JsonObject {
  const probe = (path: string): JsonObject => ({
    httpGet: { path, port: 8080, scheme: 'HTTP' },
    initialDelaySeconds: 5,
    timeoutSeconds: 1,
    periodSeconds: 10,
    successThreshold: 1,
    failureThreshold: 3,
  });
  const environment = ['LOG_LEVEL', 'REGION', 'DATABASE_HOST'];
  return {
    name,
    image,
    args: ['--listen=:8080', '--config=/etc/app/config.yaml', '--shutdown-timeout=20s'],
    ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
    env: environment.map((key) => ({ name: key, value: `value-of-${key.toLowerCase()}` })),
    resources: { limits: { cpu: '1', memory: '512Mi' }, requests: { cpu: '100m', memory: '256Mi' } },
    volumeMounts: [
      { name: 'config', readOnly: true, mountPath: '/etc/app' },
      { name: 'kube-api-access-x7k2p', readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' },
    ],
    livenessProbe: probe('/healthz'),
    readinessProbe: probe('/readyz'),
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: 'IfNotPresent',
    securityContext: { capabilities: { drop: ['ALL'] }, runAsNonRoot: true, allowPrivilegeEscalation: false },
  };
}

function containerStatus(name: string, image: string, own: JsonObject): JsonObject {
  return {
    name,
    lastState: {},
    image: `registry.example/${image}`,
    imageID: `registry.example/${image.split(':')[0] ?? ''}@${DIGEST}`,
    containerID: `containerd://${DIGEST.slice('sha256:'.length)}`,
    started: true,
    allocatedResources: { cpu: '100m', memory: '256Mi' },
    resources: { limits: { cpu: '1', memory: '512Mi' }, requests: { cpu: '100m', memory: '256Mi' } },
    ...own,
  };
}

/** Converts a value to a FieldsV1 set (`f:` keys), about as long as the value. */
function toFieldSet(value: Json | undefined): JsonObject {
  if (Array.isArray(value)) {
    const named = value.map((item: Json, at) => [`k:{"at":${at}}`, { '.': {}, ...toFieldSet(item) }]);
    return Object.fromEntries(named) as JsonObject;
  }
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [`f:${key}`, toFieldSet(item)]));
}

const CONTAINERS = [
  container('main', placeholder('image')),
  ...SIDECARS.map((image) => container(image.split(/[/:]/u)[1] ?? '', `registry.example/${image}`)),
];

const SPEC: JsonObject = {
  volumes: [
    { name: 'config', configMap: { name: `${placeholder('app')}-config`, defaultMode: 420 } },
    {
      name: 'kube-api-access-x7k2p',
      projected: {
        sources: [
          { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
          { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        ],
        defaultMode: 420,
      },
    },
  ],
  containers: CONTAINERS,
  restartPolicy: 'Always',
  terminationGracePeriodSeconds: 30,
  dnsPolicy: 'ClusterFirst',
  serviceAccountName: placeholder('app'),
  nodeName: placeholder('node'),
  securityContext: { fsGroup: 1000, seccompProfile: { type: 'RuntimeDefault' } },
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/arch', operator: 'In', values: ['amd64'] }] }],
      },
    },
  },
  schedulerName: 'default-scheduler',
  tolerations: [
    { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
    { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
  ],
  priority: 0,
  enableServiceLinks: true,
  preemptionPolicy: 'PreemptLowerPriority',
};

const STATUS: JsonObject = {
  phase: 'Running',
  observedGeneration: 1,
  conditions: ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({
    type,
    status: type.endsWith('Ready') ? placeholder('readiness') : 'True',
    observedGeneration: 1,
    lastProbeTime: null,
    lastTransitionTime: placeholder('since'),
  })),
  hostIP: '10.0.0.1',
  podIP: placeholder('address'),
  podIPs: [{ ip: placeholder('address') }],
  startTime: placeholder('since'),
  qosClass: 'Burstable',
  containerStatuses: [
    containerStatus('main', 'main:v1', {
      state: placeholder('state'),
      ready: placeholder('ready'),
      restartCount: placeholder('restarts'),
    }),
    ...SIDECARS.map((image) =>
      containerStatus(image.split(/[/:]/u)[1] ?? '', image, {
        state: { running: { startedAt: '2026-06-01T08:00:08Z' } },
        ready: true,
        restartCount: 0,
      }),
    ),
  ],
};

const DECISION = JSON.stringify({
  policy: 'default',
  kind: 'constrain',
  reason: 'Preferred',
  architectures: ['amd64'],
  images: [{ image: 'main', digest: DIGEST, platforms: ['linux/amd64', 'linux/arm64'], source: 'registry' }],
});

const METADATA: JsonObject = {
  name: placeholder('name'),
  generateName: `${placeholder('app')}-7c9f8d6b5c-`,
  namespace: placeholder('namespace'),
  uid: placeholder('uid'),
  resourceVersion: placeholder('version'),
  generation: 1,
  creationTimestamp: placeholder('since'),
  labels: {
    'app.kubernetes.io/name': placeholder('app'),
    'app.kubernetes.io/version': 'v1',
    team: placeholder('namespace'),
    'pod-template-hash': '7c9f8d6b5c',
  },
  annotations: { 'archpolicy.dev/decision': DECISION, 'prometheus.io/scrape': 'true', 'prometheus.io/port': '8080' },
  ownerReferences: [
    {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      name: `${placeholder('app')}-7c9f8d6b5c`,
      uid: placeholder('ownerUid'),
      controller: true,
      blockOwnerDeletion: true,
    },
  ],
};

const managedFieldsEntry = (manager: string, fields: JsonObject, subresource?: string): JsonObject =>
  withoutUndefined({
    manager,
    operation: 'Update',
    apiVersion: 'v1',
    time: '2026-06-01T08:00:00Z',
    fieldsType: 'FieldsV1',
    fieldsV1: fields,
    subresource,
  });

const TEMPLATE = parseTemplate({
  kind: 'Pod',
  apiVersion: 'v1',
  metadata: {
    ...METADATA,
    managedFields: [
      managedFieldsEntry('kube-controller-manager', {
        'f:metadata': toFieldSet({ ...METADATA, annotations: {} }),
        'f:spec': toFieldSet({
          containers: CONTAINERS.map((each) => ({ ...each, image: '' })),
          volumes: SPEC['volumes'] ?? [],
        }),
      }),
      managedFieldsEntry('kubelet', { 'f:status': toFieldSet(STATUS) }, 'status'),
    ],
  },
  spec: SPEC,
  status: STATUS,
});
