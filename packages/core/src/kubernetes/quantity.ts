/**
 * Parses a quantity of the Kubernetes API to thousandths of its unit, rounded up; undefined if invalid.
 * `250m` is 250, `1.5` is 1,500, `64Mi` is 67,108,864,000, `1e3` is 1,000,000.
 *
 * @see https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 * @example 64Mi
 */
export function parseQuantityMilli(text: string): number | undefined {
  const [, number = '', suffix = '', exponent] = QUANTITY.exec(text) ?? [];
  if (number === '') return undefined;
  const scale = exponent === undefined ? SUFFIXES.get(suffix) : 10 ** Number(exponent);
  if (scale === undefined) return undefined;
  const milli = Number(number) * 1_000 * scale;
  // Decimal fractions are inexact in binary. A product that is slightly too large, such as 0.1 * 1000 * 1e3, must not be rounded up.
  const rounded = Math.round(milli);
  const exact = Math.abs(milli - rounded) < 1e-6 ? rounded : Math.ceil(milli);
  return Number.isFinite(exact) ? exact : undefined;
}

/** Matches every form of a quantity. The API server stores the canonical form, but a manifest may contain another one. */
const QUANTITY =
  /^([+-]?(?:[0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20}))(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?[0-9]{1,2}))?$/;

const SUFFIXES: ReadonlyMap<string, number> = new Map([
  ['n', 1e-9],
  ['u', 1e-6],
  ['m', 1e-3],
  ['', 1],
  ['k', 1e3],
  ['M', 1e6],
  ['G', 1e9],
  ['T', 1e12],
  ['P', 1e15],
  ['E', 1e18],
  ...['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'].map((suffix, index) => [suffix, 1024 ** (index + 1)] as const),
]);
