/** The keys that users and tools meet on their objects. All are ours (prefix `archpolicy.dev/`) but the alias. */

/** API group of ArchPolicy, and the prefix of every key of ours. */
export const API_GROUP = 'archpolicy.dev';
export const API_VERSION = 'v1alpha1';
export const ARCHPOLICY_KIND = 'ArchPolicy';
export const ARCHPOLICY_PLURAL = 'archpolicies';

/** Label (and annotation) on pods and namespaces: the architecture wanted. Pod beats namespace. */
export const LABEL_PREFERRED = 'archpolicy.dev/preferred';

/** Label on pods that is read as an alias of {@link LABEL_PREFERRED}, so that users of noe switch without edits. */
export const LABEL_PREFERRED_NOE = 'arch.noe.adevinta.com/preferred';

/** Label on pods and namespaces; with the value {@link SKIP_VALUE} the pod is left alone. */
export const LABEL_SKIP = 'archpolicy.dev/skip';
export const SKIP_VALUE = 'true';

/** Annotation on pods: what was decided and what we added. Information, never evidence: tenants can write it. */
export const ANNOTATION_DECISION = 'archpolicy.dev/decision';

/** Annotation on pods; with the value {@link ALLOW_EVICTION_NO} the pod is never evicted. */
export const ANNOTATION_ALLOW_EVICTION = 'archpolicy.dev/allow-eviction';
export const ALLOW_EVICTION_NO = 'false';

/** Scheduling gate of a pod that waits for the operator. */
export const GATE_INSPECTING = 'archpolicy.dev/inspecting';

/** Label that the API server keeps on every namespace: its name. */
export const LABEL_NAMESPACE_NAME = 'kubernetes.io/metadata.name';

/** Nothing is ever stored in it: there the operator asks by dry runs whether it reaches the webhook (R3). */
export const PROBE_NAMESPACE = 'archpolicy-probe';
