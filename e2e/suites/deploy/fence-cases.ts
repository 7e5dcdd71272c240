import type { JsonObject } from '@archpolicy/core';

/**
 * Returns a pod with our gate and a foreign gate. It meets the restricted Pod Security Standard, so all our namespaces
 * accept it.
 */
export function gatedPod(namespace: string, name: string): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, name, labels: { app: 'web' }, annotations: { 'example.com/note': 'mine' } },
    spec: {
      schedulingGates: [{ name: 'archpolicy.dev/inspecting' }, { name: 'example.com/other' }],
      nodeSelector: { pool: 'blue' },
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'app',
          image: 'registry.example.com/app:1',
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        },
      ],
    },
  };
}

const arm64 = { matchExpressions: [{ key: 'kubernetes.io/arch', operator: 'In', values: ['arm64'] }] };
const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [arm64] } } };
const gates = '/spec/schedulingGates';
const removeGate = (...more: readonly JsonObject[]): readonly JsonObject[] => [
  { op: 'remove', path: `${gates}/0` },
  ...more,
];
const evil = { op: 'replace', path: '/spec/containers/0/image', value: 'registry.example.com/evil:1' };
const NOTHING_ELSE = 'may only remove their own scheduling gate';

/**
 * JSON Patches that the operator applies to the pod of `gatedPod`, each with the message of its rejection. The message
 * is null if the patch is accepted.
 */
export const PATCHES: readonly (readonly [name: string, patch: readonly JsonObject[], refusal: string | null])[] = [
  [
    'lifts its gate, sets required affinity, tolerations and the decision',
    [
      { op: 'test', path: `${gates}/0/name`, value: 'archpolicy.dev/inspecting' },
      { op: 'remove', path: `${gates}/0` },
      { op: 'add', path: '/spec/affinity', value: affinity },
      { op: 'add', path: '/spec/tolerations/-', value: { key: 'kubernetes.io/arch', operator: 'Exists' } },
      { op: 'add', path: '/metadata/annotations/archpolicy.dev~1decision', value: '{}' },
    ],
    null,
  ],
  ['lifts its gate and nothing else', removeGate(), null],
  [
    'lifts its gate while another webhook adds a label',
    removeGate({ op: 'add', path: '/metadata/labels/seen', value: 'yes' }),
    null,
  ],
  ['removes a foreign gate', [{ op: 'remove', path: `${gates}/1` }], NOTHING_ELSE],
  ['removes all gates', [{ op: 'remove', path: gates }], NOTHING_ELSE],
  ['lifts its gate and changes an image', removeGate(evil), 'the containers'],
  ['changes an image', [evil], 'ArchPolicy'],
  ['adds a label', [{ op: 'add', path: '/metadata/labels/a', value: 'b' }], NOTHING_ELSE],
  ['changes a label', [{ op: 'replace', path: '/metadata/labels/app', value: 'db' }], NOTHING_ELSE],
  ['removes the labels', [{ op: 'remove', path: '/metadata/labels' }], NOTHING_ELSE],
  ['adds an annotation', [{ op: 'add', path: '/metadata/annotations/a', value: 'b' }], NOTHING_ELSE],
  ['adds a finalizer', [{ op: 'add', path: '/metadata/finalizers', value: ['example.com/x'] }], NOTHING_ELSE],
  [
    'adds an owner',
    [{ op: 'add', path: '/metadata/ownerReferences', value: [{ apiVersion: 'v1', kind: 'Pod', name: 'a', uid: 'b' }] }],
    NOTHING_ELSE,
  ],
  ['adds to the node selector', [{ op: 'add', path: '/spec/nodeSelector/zone', value: 'a' }], NOTHING_ELSE],
];

interface EvictionCase {
  readonly account: readonly [namespace: string, name: 'webhook' | 'operator'];
  readonly namespace: string;
  /** The preconditions; `UID OF THE POD` is replaced by the pod's UID. */
  readonly preconditions?: JsonObject;
  /** A part of the message with which the API server rejects the eviction; null if it accepts the eviction. */
  readonly refusal: string | null;
}

export const UID_OF_THE_POD = 'UID OF THE POD';
const here = ['archpolicy-system', 'operator'] as const;
const elsewhere = ['elsewhere', 'operator'] as const;
const preconditions = { uid: UID_OF_THE_POD };
const NO_UID = 'only with its UID as a precondition';
const OUR_NAMESPACE = 'may not evict pods in kube-system or in their own namespace';

/** Evictions of the pod of `gatedPod` by accounts that RBAC allows everything. */
export const EVICTIONS: readonly EvictionCase[] = [
  { account: here, namespace: 'fenced', preconditions, refusal: null },
  { account: here, namespace: 'fenced', refusal: NO_UID },
  { account: here, namespace: 'fenced', preconditions: {}, refusal: NO_UID },
  { account: here, namespace: 'fenced', preconditions: { uid: '' }, refusal: NO_UID },
  { account: here, namespace: 'fenced', preconditions: { resourceVersion: '1' }, refusal: NO_UID },
  { account: here, namespace: 'kube-system', preconditions, refusal: OUR_NAMESPACE },
  { account: here, namespace: 'archpolicy-system', preconditions, refusal: OUR_NAMESPACE },
  { account: here, namespace: 'elsewhere', preconditions, refusal: null },
  { account: ['archpolicy-system', 'webhook'], namespace: 'fenced', refusal: NO_UID },
  { account: elsewhere, namespace: 'elsewhere', preconditions, refusal: OUR_NAMESPACE },
  { account: elsewhere, namespace: 'kube-system', preconditions, refusal: OUR_NAMESPACE },
  { account: elsewhere, namespace: 'fenced', refusal: NO_UID },
  { account: elsewhere, namespace: 'fenced', preconditions, refusal: null },
];

interface ConfigMapCase {
  readonly account: EvictionCase['account'];
  readonly namespace: string;
  readonly name: string;
  readonly refusal: string | null;
}

const ONLY_THE_RECORD = 'only the operator may write a ConfigMap, and only archpolicy-safety in its own namespace';
const record = 'archpolicy-safety';

/** Creations and changes of ConfigMaps by accounts that RBAC allows everything. */
export const CONFIG_MAPS: readonly ConfigMapCase[] = [
  { account: here, namespace: 'archpolicy-system', name: record, refusal: null },
  { account: here, namespace: 'archpolicy-system', name: 'archpolicy-registries', refusal: ONLY_THE_RECORD },
  { account: here, namespace: 'elsewhere', name: record, refusal: ONLY_THE_RECORD },
  { account: ['archpolicy-system', 'webhook'], namespace: 'archpolicy-system', name: record, refusal: ONLY_THE_RECORD },
  { account: elsewhere, namespace: 'elsewhere', name: record, refusal: null },
  { account: elsewhere, namespace: 'archpolicy-system', name: record, refusal: ONLY_THE_RECORD },
];

interface SecretCase {
  readonly account: EvictionCase['account'];
  readonly namespace: string;
  readonly name: string;
  readonly type: string;
  readonly refusal: string | null;
}

const ONLY_ITS_OWN = 'only the operator may write a Secret, and only its own ones in its own namespace';
const TLS = 'kubernetes.io/tls';

/** Creations of Secrets by accounts that RBAC allows everything. */
export const SECRETS: readonly SecretCase[] = [
  { account: here, namespace: 'archpolicy-system', name: 'archpolicy-webhook-ca', type: 'Opaque', refusal: null },
  { account: here, namespace: 'archpolicy-system', name: 'archpolicy-webhook-tls', type: TLS, refusal: null },
  { account: here, namespace: 'archpolicy-system', name: 'archpolicy-cache', type: 'Opaque', refusal: null },
  { account: elsewhere, namespace: 'elsewhere', name: 'archpolicy-webhook-ca', type: 'Opaque', refusal: null },
  { account: here, namespace: 'archpolicy-system', name: 'other', type: 'Opaque', refusal: ONLY_ITS_OWN },
  { account: here, namespace: 'elsewhere', name: 'archpolicy-webhook-ca', type: 'Opaque', refusal: ONLY_ITS_OWN },
  { account: here, namespace: 'kube-system', name: 'archpolicy-webhook-ca', type: 'Opaque', refusal: ONLY_ITS_OWN },
  {
    account: ['archpolicy-system', 'webhook'],
    namespace: 'archpolicy-system',
    name: 'archpolicy-webhook-ca',
    type: 'Opaque',
    refusal: ONLY_ITS_OWN,
  },
  {
    account: here,
    namespace: 'archpolicy-system',
    name: 'archpolicy-webhook-ca',
    type: 'kubernetes.io/service-account-token',
    refusal: 'only with its own type',
  },
  {
    account: here,
    namespace: 'archpolicy-system',
    name: 'archpolicy-webhook-tls',
    type: 'Opaque',
    refusal: 'only with its own type',
  },
];

const first = '/webhooks/0';
const ONLY_THE_BUNDLE = 'may change only the caBundle of a webhook';
const NO_METADATA = 'may not change the metadata of a webhook configuration';
const NO_LIST = 'may not add, remove, rename or move webhooks';
const selector = { matchLabels: { a: 'b' } };
const service = `${first}/clientConfig/service`;
const rule = { apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['secrets'] };
const forged = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'a', uid: 'b' };

/** A certificate that the API server accepts in a `caBundle`. */
export const A_CERTIFICATE = 'A CERTIFICATE';

/** Patches of the webhook configuration by a stolen token, each with the message of its rejection; null if it is accepted. */
export const CONFIGURATION_PATCHES: readonly (readonly [
  name: string,
  patch: readonly JsonObject[],
  refusal: string | null,
])[] = [
  [
    'sets both bundles',
    [0, 1].map((index) => ({ op: 'add', path: `/webhooks/${index}/clientConfig/caBundle`, value: A_CERTIFICATE })),
    null,
  ],
  [
    'sends pods to another address',
    [{ op: 'replace', path: `${first}/clientConfig`, value: { url: 'https://evil.example.com/' } }],
    ONLY_THE_BUNDLE,
  ],
  ['sends pods to another Service', [{ op: 'replace', path: `${service}/name`, value: 'evil' }], ONLY_THE_BUNDLE],
  [
    'sends pods to another namespace',
    [{ op: 'replace', path: `${service}/namespace`, value: 'evil' }],
    ONLY_THE_BUNDLE,
  ],
  ['sends pods to another path', [{ op: 'replace', path: `${service}/path`, value: '/evil' }], ONLY_THE_BUNDLE],
  ['sends pods to another port', [{ op: 'replace', path: `${service}/port`, value: 444 }], ONLY_THE_BUNDLE],
  ['asks for Secrets', [{ op: 'add', path: `${first}/rules/-`, value: rule }], ONLY_THE_BUNDLE],
  ['asks for updates', [{ op: 'replace', path: `${first}/rules/0/operations`, value: ['UPDATE'] }], ONLY_THE_BUNDLE],
  ['rejects pods', [{ op: 'replace', path: `${first}/failurePolicy`, value: 'Fail' }], ONLY_THE_BUNDLE],
  ['delays pods', [{ op: 'replace', path: `${first}/timeoutSeconds`, value: 30 }], ONLY_THE_BUNDLE],
  [
    'selects other namespaces',
    [{ op: 'replace', path: `${first}/namespaceSelector`, value: selector }],
    ONLY_THE_BUNDLE,
  ],
  ['selects other pods', [{ op: 'replace', path: `${first}/objectSelector`, value: selector }], ONLY_THE_BUNDLE],
  [
    'adds a condition',
    [{ op: 'add', path: `${first}/matchConditions`, value: [{ name: 'never', expression: 'false' }] }],
    ONLY_THE_BUNDLE,
  ],
  ['matches exactly', [{ op: 'replace', path: `${first}/matchPolicy`, value: 'Exact' }], ONLY_THE_BUNDLE],
  ['is called once', [{ op: 'replace', path: `${first}/reinvocationPolicy`, value: 'Never' }], ONLY_THE_BUNDLE],
  ['has side effects', [{ op: 'replace', path: `${first}/sideEffects`, value: 'NoneOnDryRun' }], ONLY_THE_BUNDLE],
  [
    'accepts other reviews',
    [{ op: 'replace', path: `${first}/admissionReviewVersions`, value: ['v1', 'v1beta1'] }],
    ONLY_THE_BUNDLE,
  ],
  [
    'changes a bundle and a rule',
    [
      { op: 'add', path: `${first}/clientConfig/caBundle`, value: A_CERTIFICATE },
      { op: 'replace', path: '/webhooks/1/failurePolicy', value: 'Ignore' },
    ],
    ONLY_THE_BUNDLE,
  ],
  ['removes a webhook', [{ op: 'remove', path: first }], NO_LIST],
  ['removes all webhooks', [{ op: 'remove', path: '/webhooks' }], NO_LIST],
  ['renames a webhook', [{ op: 'replace', path: `${first}/name`, value: 'evil.archpolicy.dev' }], NO_LIST],
  ['moves a webhook', [{ op: 'move', from: '/webhooks/1', path: first }], NO_LIST],
  [
    'adds a webhook',
    [
      { op: 'copy', from: first, path: '/webhooks/-' },
      { op: 'replace', path: '/webhooks/2/name', value: 'evil.archpolicy.dev' },
    ],
    NO_LIST,
  ],
  ['adds a label', [{ op: 'add', path: '/metadata/labels/a', value: 'b' }], NO_METADATA],
  ['adds an annotation', [{ op: 'add', path: '/metadata/annotations', value: { a: 'b' } }], NO_METADATA],
  ['adds a finalizer', [{ op: 'add', path: '/metadata/finalizers', value: ['example.com/x'] }], NO_METADATA],
  ['adds an owner', [{ op: 'add', path: '/metadata/ownerReferences', value: [forged] }], NO_METADATA],
];
