/** The labels, annotations and gates that ArchPolicy uses on users' objects. Most have the prefix `archpolicy.dev/`. */

/** API group of ArchPolicy, and the prefix of its labels and annotations. */
export const API_GROUP = 'archpolicy.dev';
export const API_VERSION = 'v1alpha1';
export const ARCHPOLICY_KIND = 'ArchPolicy';
export const ARCHPOLICY_PLURAL = 'archpolicies';

/** Label or annotation on pods and namespaces: the preferred architecture. The value of a pod overrides that of its namespace. */
export const LABEL_PREFERRED = 'archpolicy.dev/preferred';

/** Alias of {@link LABEL_PREFERRED} on pods, so that users of noe can switch to ArchPolicy without editing manifests. */
export const LABEL_PREFERRED_NOE = 'arch.noe.adevinta.com/preferred';

/** Label on pods and namespaces. A pod is exempt if it or its namespace has the value {@link SKIP_VALUE}. */
export const LABEL_SKIP = 'archpolicy.dev/skip';
export const SKIP_VALUE = 'true';

/** Annotation on pods: the decision and the additions of ArchPolicy. It only informs, and is untrusted: tenants can write it. */
export const ANNOTATION_DECISION = 'archpolicy.dev/decision';

/** Annotation on pods. With the value {@link ALLOW_EVICTION_NO}, the pod is never evicted. */
export const ANNOTATION_ALLOW_EVICTION = 'archpolicy.dev/allow-eviction';
export const ALLOW_EVICTION_NO = 'false';

/** The scheduling gate that the webhook adds and the operator removes. */
export const GATE_INSPECTING = 'archpolicy.dev/inspecting';

/** Label that the API server sets on each namespace. Its value is the name of the namespace. */
export const LABEL_NAMESPACE_NAME = 'kubernetes.io/metadata.name';

/** The namespace for the operator's dry runs that probe the webhook (R3). Nothing is stored in it. */
export const PROBE_NAMESPACE = 'archpolicy-probe';
