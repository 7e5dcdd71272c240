/**
 * The meaning of an error status. `rejected`: the server does not accept the request, and does not state whether the
 * image exists; the same request would be rejected again. `unavailable`: the same request may succeed later.
 */
export type ErrorStatus = 'unauthorized' | 'not-found' | 'rate-limited' | 'rejected' | 'unavailable';

/**
 * The statuses with another meaning than their class: https://www.rfc-editor.org/rfc/rfc9110#section-15.5,
 * https://www.rfc-editor.org/rfc/rfc6585#section-4 (429), https://www.rfc-editor.org/rfc/rfc8470#section-5.2 (425)
 */
const SPECIFIC: ReadonlyMap<number, ErrorStatus> = new Map([
  [401, 'unauthorized'],
  // Hosted registries whose customer has not paid.
  [402, 'unauthorized'],
  [403, 'unauthorized'],
  [404, 'not-found'],
  [408, 'unavailable'],
  [410, 'not-found'],
  [425, 'unavailable'],
  [429, 'rate-limited'],
  [451, 'unauthorized'],
]);

/** Classifies a status other than success. A redirect that was not followed counts as unavailable. */
export function classifyError(status: number): ErrorStatus {
  return SPECIFIC.get(status) ?? (status >= 400 && status < 500 ? 'rejected' : 'unavailable');
}
