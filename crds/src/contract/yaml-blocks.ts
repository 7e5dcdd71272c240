/** The building blocks of the cases' YAML. */

export const list = (count: number, item: (index: number) => string): string =>
  `[${Array.from({ length: count }, (_, index) => item(index)).join(', ')}]`;
export const map = (count: number): string =>
  `{${Array.from({ length: count }, (_, index) => `k${index}: v`).join(', ')}}`;
export const name63 = 'a'.repeat(63);
/** A DNS subdomain of 253 characters, the longest. */
export const dns253 = `${'a'.repeat(61)}.${name63}.${name63}.${name63}`;
export const expression = (text: string): string => `podSelector: {matchExpressions: [${text}]}`;
export const nodeArchitectures =
  '["386", amd64, arm, arm64, loong64, mips, mips64, mips64le, mipsle, ppc64, ppc64le, riscv64, s390x]';
