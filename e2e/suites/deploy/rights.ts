/**
 * The complete rights of our accounts. They are a contract with cluster administrators, so a change must be deliberate.
 */

/**
 * Maps each resource to its verbs. A resource is `plural.group`, or `plural` in the core group. With `:name`, the right
 * is for one object.
 */
export type Rights = Readonly<Record<string, string>>;

interface AccountRights {
  readonly everywhere: Rights;
  readonly inSystem: Rights;
  readonly inProbe: Rights;
}

const READ = 'get list watch';

export const WEBHOOK: AccountRights = {
  everywhere: {
    'archpolicies.archpolicy.dev': READ,
    'jobs.batch': 'get',
    namespaces: READ,
    nodes: READ,
    secrets: 'get',
  },
  inSystem: {
    'deployments.apps:archpolicy-webhook': 'get',
    'leases.coordination.k8s.io': 'create',
    'leases.coordination.k8s.io:archpolicy-webhook': 'get update',
    'leases.coordination.k8s.io:archpolicy-operator': 'get',
    'secrets:archpolicy-cache': 'get',
    'secrets:archpolicy-webhook-tls': 'get',
  },
  inProbe: {},
};

export const OPERATOR: AccountRights = {
  everywhere: {
    'archpolicies.archpolicy.dev': READ,
    'archpolicies/status.archpolicy.dev': 'get patch update',
    'cronjobs.batch': READ,
    events: 'create patch',
    'events.events.k8s.io': 'create patch',
    'jobs.batch': READ,
    'mutatingwebhookconfigurations.admissionregistration.k8s.io:archpolicy': 'get patch',
    namespaces: READ,
    nodes: READ,
    'poddisruptionbudgets.policy': 'get',
    pods: 'get list patch watch',
    'pods/eviction': 'create',
    'replicasets.apps': READ,
    secrets: 'get',
    serviceaccounts: 'get',
  },
  inSystem: {
    configmaps: 'create',
    'configmaps:archpolicy-safety': 'get patch',
    'deployments.apps:archpolicy-operator': 'get',
    'deployments.apps:archpolicy-webhook': 'get',
    'leases.coordination.k8s.io': 'create',
    'leases.coordination.k8s.io:archpolicy-operator': 'get update',
    'leases.coordination.k8s.io:archpolicy-webhook': 'get',
    secrets: 'create get',
    'secrets:archpolicy-cache': 'get patch',
    'secrets:archpolicy-webhook-ca': 'get patch',
    'secrets:archpolicy-webhook-tls': 'get patch',
  },
  inProbe: { pods: 'create' },
};

/** API groups of the resources in `QUESTIONS`. Resources that are missing here are in the core group. */
export const GROUPS: Readonly<Record<string, string>> = {
  archpolicies: 'archpolicy.dev',
  clusterroles: 'rbac.authorization.k8s.io',
  deployments: 'apps',
  jobs: 'batch',
  leases: 'coordination.k8s.io',
  mutatingwebhookconfigurations: 'admissionregistration.k8s.io',
};

/** Questions as for `kubectl auth can-i`. They check dangerous rights one by one, independently of the table above. */
export const QUESTIONS: readonly (readonly [
  account: 'webhook' | 'operator',
  question: string,
  answer: 'yes' | 'no',
])[] = [
  ['webhook', 'get secrets', 'yes'],
  ['webhook', 'list secrets', 'no'],
  ['webhook', 'watch secrets', 'no'],
  ['webhook', 'get serviceaccounts', 'no'],
  ['webhook', 'create serviceaccounts --subresource=token', 'no'],
  ['webhook', 'list pods', 'no'],
  ['webhook', 'list jobs', 'no'],
  ['webhook', 'patch pods', 'no'],
  ['webhook', 'create pods --subresource=eviction', 'no'],
  ['webhook', 'patch archpolicies --subresource=status', 'no'],
  ['webhook', 'create events', 'no'],
  ['webhook', 'update leases/archpolicy-webhook -n archpolicy-system', 'yes'],
  ['webhook', 'update leases/archpolicy-operator -n archpolicy-system', 'no'],
  ['webhook', 'update leases/archpolicy-webhook -n kube-system', 'no'],
  ['webhook', 'patch mutatingwebhookconfigurations/archpolicy', 'no'],
  ['webhook', 'get deployments/archpolicy-webhook -n archpolicy-system', 'yes'],
  ['webhook', 'get deployments/archpolicy-operator -n archpolicy-system', 'no'],
  ['webhook', 'patch deployments/archpolicy-webhook -n archpolicy-system', 'no'],
  ['webhook', 'create configmaps -n archpolicy-system', 'no'],
  ['webhook', 'get configmaps/archpolicy-safety -n archpolicy-system', 'no'],
  ['webhook', 'patch configmaps/archpolicy-safety -n archpolicy-system', 'no'],
  ['operator', 'patch configmaps/archpolicy-safety -n archpolicy-system', 'yes'],
  ['operator', 'delete configmaps/archpolicy-safety -n archpolicy-system', 'no'],
  ['operator', 'patch configmaps/archpolicy-registries -n archpolicy-system', 'no'],
  ['operator', 'get configmaps/archpolicy-registries -n archpolicy-system', 'no'],
  ['operator', 'list configmaps -n archpolicy-system', 'no'],
  ['operator', 'create configmaps -n kube-system', 'no'],
  ['operator', 'get deployments/archpolicy-operator -n archpolicy-system', 'yes'],
  ['operator', 'get deployments/archpolicy-webhook -n archpolicy-system', 'yes'],
  ['operator', 'list deployments -n archpolicy-system', 'no'],
  ['operator', 'patch deployments/archpolicy-operator -n archpolicy-system', 'no'],
  ['operator', 'get secrets', 'yes'],
  ['operator', 'list secrets', 'no'],
  ['operator', 'watch secrets', 'no'],
  ['operator', 'create serviceaccounts --subresource=token', 'no'],
  ['operator', 'create pods --subresource=eviction', 'yes'],
  ['operator', 'delete pods', 'no'],
  ['operator', 'deletecollection pods', 'no'],
  ['operator', 'create pods', 'no'],
  ['operator', 'create pods -n archpolicy-probe', 'yes'],
  ['operator', 'create pods -n archpolicy-system', 'no'],
  ['operator', 'create pods --subresource=exec', 'no'],
  ['operator', 'get pods --subresource=log', 'no'],
  ['operator', 'update pods', 'no'],
  ['operator', 'patch nodes', 'no'],
  ['operator', 'update archpolicies', 'no'],
  ['operator', 'patch archpolicies --subresource=status', 'yes'],
  ['operator', 'get mutatingwebhookconfigurations/archpolicy', 'yes'],
  ['operator', 'get mutatingwebhookconfigurations/other', 'no'],
  ['operator', 'list mutatingwebhookconfigurations', 'no'],
  ['operator', 'patch mutatingwebhookconfigurations/archpolicy', 'yes'],
  ['operator', 'patch mutatingwebhookconfigurations/other', 'no'],
  ['operator', 'create mutatingwebhookconfigurations', 'no'],
  ['operator', 'delete mutatingwebhookconfigurations/archpolicy', 'no'],
  ['operator', 'create secrets -n archpolicy-system', 'yes'],
  ['operator', 'create secrets -n kube-system', 'no'],
  ['operator', 'patch secrets/archpolicy-webhook-ca -n archpolicy-system', 'yes'],
  ['operator', 'patch secrets/archpolicy-cache -n archpolicy-system', 'yes'],
  ['operator', 'delete secrets/archpolicy-cache -n archpolicy-system', 'no'],
  ['operator', 'delete secrets/archpolicy-webhook-ca -n archpolicy-system', 'no'],
  ['operator', 'patch secrets/other -n archpolicy-system', 'no'],
  ['webhook', 'get secrets/archpolicy-webhook-tls -n archpolicy-system', 'yes'],
  ['webhook', 'get secrets/archpolicy-cache -n archpolicy-system', 'yes'],
  ['operator', 'get secrets/archpolicy-cache -n archpolicy-system', 'yes'],
  ['webhook', 'patch secrets/archpolicy-cache -n archpolicy-system', 'no'],
  ['webhook', 'create secrets -n archpolicy-system', 'no'],
  ['webhook', 'patch secrets/archpolicy-webhook-tls -n archpolicy-system', 'no'],
  ['operator', 'bind clusterroles', 'no'],
  ['operator', 'update leases/archpolicy-operator -n archpolicy-system', 'yes'],
];

/** Our own Secrets that each account can read in every case. */
const OWN = {
  webhook: ['archpolicy-system/archpolicy-webhook-tls', 'archpolicy-system/archpolicy-cache'],
  operator: [
    'archpolicy-system/archpolicy-webhook-ca',
    'archpolicy-system/archpolicy-webhook-tls',
    'archpolicy-system/archpolicy-cache',
  ],
} as const;

/** Secrets of a cluster: pull secrets of two namespaces, a Secret that no pod uses, and Secrets of the system. */
export const SECRETS = [
  'shop/pull',
  'shop/database',
  'pay/pull',
  'archpolicy-system/archpolicy-webhook-ca',
  'archpolicy-system/archpolicy-webhook-tls',
  'archpolicy-system/archpolicy-cache',
  'kube-system/bootstrap-token',
] as const;

type Access = Readonly<Record<'webhook' | 'operator', readonly (typeof SECRETS)[number][]>>;

/**
 * Maps each way to grant pull secrets to the Secrets that an account can read. `cluster` is the base; `namespaces` and
 * `none` are the components `pull-secrets-in-namespaces` (here with a RoleBinding in `shop`) and `pull-secrets-none`.
 * RBAC cannot select Secrets by type, so an account that can read pull secrets can read every Secret of the namespace.
 */
export const SECRET_ACCESS: Readonly<Record<'cluster' | 'namespaces' | 'none', Access>> = {
  cluster: { webhook: SECRETS, operator: SECRETS },
  namespaces: {
    webhook: ['shop/pull', 'shop/database', ...OWN.webhook],
    operator: ['shop/pull', 'shop/database', ...OWN.operator],
  },
  none: { webhook: OWN.webhook, operator: OWN.operator },
};
