/**
 * Syntax of label keys and values, as `k8s.io/apimachinery/pkg/util/validation` checks them. The CEL rules of the CRD
 * use the same patterns, so the patterns contain only syntax that RE2 supports.
 *
 * @see https://github.com/kubernetes/apimachinery/blob/v0.36.3/pkg/util/validation/validation.go
 */

const DNS_LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';

/** A DNS subdomain, without its length limit. */
export const DNS_SUBDOMAIN = `${DNS_LABEL}(\\.${DNS_LABEL})*`;

/** Maximum length of a DNS subdomain. */
export const MAX_SUBDOMAIN_LENGTH = 253;

/** A label key: an optional DNS subdomain and a slash, then a name of at most 63 characters. */
export const LABEL_KEY_PATTERN = `^(${DNS_SUBDOMAIN}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`;
export const MAX_LABEL_KEY_LENGTH = MAX_SUBDOMAIN_LENGTH + 1 + 63;

/** A label value: empty, or at most 63 characters. */
export const LABEL_VALUE_PATTERN = '^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$';
export const MAX_LABEL_VALUE_LENGTH = 63;

const labelKey = new RegExp(LABEL_KEY_PATTERN);
const labelValue = new RegExp(LABEL_VALUE_PATTERN);

/** Whether `key` can be the key of a label. */
export function isLabelKey(key: string): boolean {
  return key.length <= MAX_LABEL_KEY_LENGTH && key.indexOf('/') <= MAX_SUBDOMAIN_LENGTH && labelKey.test(key);
}

/** Whether `value` can be the value of a label. */
export function isLabelValue(value: string): boolean {
  return value.length <= MAX_LABEL_VALUE_LENGTH && labelValue.test(value);
}
