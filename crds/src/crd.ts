import { API_GROUP, API_VERSION, ARCHPOLICY_KIND, ARCHPOLICY_PLURAL, archPolicyJsonSchemas } from '@archpolicy/core';
import { stringify } from 'yaml';
import { toStructural } from './structural.ts';

interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly jsonPath: string;
  readonly description: string;
  /**
   * With priority 1, kubectl prints the column only with `-o wide`. Without a priority, it always prints the column.
   */
  readonly priority?: 1;
}

/**
 * The path of the most preferred architecture. The whole array is not used, because kubectl prints an array as JSON.
 */
const PREFERS = '.spec.preference.architectures[0]';

const columns: readonly Column[] = [
  { name: 'Mode', type: 'string', jsonPath: '.spec.mode', description: 'Enforce or Audit.' },
  { name: 'Prefers', type: 'string', jsonPath: PREFERS, description: 'The most preferred architecture.' },
  { name: 'Pods', type: 'integer', jsonPath: '.status.pods.matched', description: 'Pods that the policy governs.' },
  {
    name: 'Portable',
    type: 'integer',
    jsonPath: '.status.workloads.portable',
    description: 'Workloads whose images all support more than one architecture of the cluster.',
  },
  {
    name: 'Misplaced',
    type: 'integer',
    jsonPath: '.status.pods.misplaced',
    description: 'Governed pods on a node that cannot run all of their images.',
  },
  {
    name: 'Evicted',
    type: 'integer',
    jsonPath: '.status.pods.evicted',
    description: 'Evictions since the policy was created.',
  },
  {
    name: 'Ready',
    type: 'string',
    jsonPath: ".status.conditions[?(@.type=='Ready')].status",
    description: 'Whether the policy is in effect.',
  },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'When the policy was created.' },
  {
    name: 'Priority',
    type: 'integer',
    jsonPath: '.spec.priority',
    description: 'Of the policies that match a pod, the one with the highest priority governs it.',
    priority: 1,
  },
  {
    name: 'Gated',
    type: 'integer',
    jsonPath: '.status.pods.gated',
    description: 'Governed pods that wait for inspection.',
    priority: 1,
  },
  {
    name: 'Unresolved',
    type: 'integer',
    jsonPath: '.status.pods.unresolved',
    description: 'Governed pods with an image whose platforms are unknown.',
    priority: 1,
  },
  {
    name: 'Last Recheck',
    type: 'date',
    jsonPath: '.status.lastRecheckTime',
    description: 'When all pods were last checked against their nodes.',
    priority: 1,
  },
];

/** A version of the API that API servers serve. */
export interface ServedVersion {
  readonly name: string;
  /** Whether objects are stored in this version. Exactly one version is. */
  readonly storage: boolean;
}

const VERSIONS: readonly ServedVersion[] = [{ name: API_VERSION, storage: true }];

/**
 * Returns the CustomResourceDefinition of ArchPolicy. All versions have the same schema, so that the API server converts
 * objects without a webhook and without losing a field (docs/adr/0136-add-api-versions-without-a-conversion-webhook.md).
 */
export function archPolicyCrd(versions: readonly ServedVersion[] = VERSIONS): Readonly<Record<string, unknown>> {
  const { spec, status } = archPolicyJsonSchemas();
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${ARCHPOLICY_PLURAL}.${API_GROUP}` },
    spec: {
      group: API_GROUP,
      scope: 'Cluster',
      names: {
        kind: ARCHPOLICY_KIND,
        listKind: `${ARCHPOLICY_KIND}List`,
        plural: ARCHPOLICY_PLURAL,
        singular: ARCHPOLICY_KIND.toLowerCase(),
        shortNames: ['archpol'],
      },
      versions: versions.map(({ name, storage }) => ({
        name,
        served: true,
        storage,
        subresources: { status: {} },
        additionalPrinterColumns: columns,
        schema: { openAPIV3Schema: rootSchema(name, spec, status) },
      })),
    },
  };
}

function rootSchema(version: string, spec: unknown, status: unknown): Readonly<Record<string, unknown>> {
  return {
    type: 'object',
    description:
      'ArchPolicy places pods on nodes that can run all of their images. It governs the pods that its selectors match. Pods that ' +
      'no ArchPolicy matches are not changed. Start with spec: {mode: Audit}, which changes nothing.',
    // `spec` is required, because a policy with a misspelled `spec` would otherwise be valid, get all defaults, and be
    // enforced for all pods.
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string', description: `API version of the object: ${API_GROUP}/${version}.` },
      kind: { type: 'string', description: 'Kind of the object: ArchPolicy.' },
      metadata: { type: 'object' },
      spec: toStructural(spec, 'spec'),
      status: toStructural(status, 'status'),
    },
  };
}

/**
 * The first line of the generated file. It names two sources: the schema, from which the fields come, and this file,
 * from which names, scope and printer columns come.
 */
const HEADER = '# Generated by `make crds` from `packages/core/src/policy/` and `crds/src/crd.ts`. Do not edit.';

/** Returns the content of the file that `make crds` writes. */
export function renderCrd(): string {
  const yaml = stringify(archPolicyCrd(), { lineWidth: 0, aliasDuplicateObjects: false });
  return `${HEADER}\n${yaml}`;
}
