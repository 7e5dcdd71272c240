/**
 * The arrows between the parts (docs/architecture.md): who may import whom. One table, read by eslint.config.js and by
 * the test that proves each kind of forbidden import is refused.
 *
 * @typedef {{readonly name: string, readonly folder: string, readonly may: readonly string[], readonly npm?: readonly string[]}} Part
 */

/** @type {readonly Part[]} */
export const parts = [
  { name: 'core', folder: 'packages/core', may: [], npm: ['zod'] },
  { name: 'registry', folder: 'packages/registry', may: ['core'] },
  { name: 'kube', folder: 'packages/kube', may: ['core'] },
  { name: 'service', folder: 'packages/service', may: ['core'] },
  { name: 'cluster-view', folder: 'packages/cluster-view', may: ['core', 'kube'] },
  { name: 'webhook', folder: 'webhook', may: ['core', 'registry', 'kube', 'service', 'cluster-view'] },
  { name: 'operator', folder: 'operator', may: ['core', 'registry', 'kube', 'service', 'cluster-view'] },
  { name: 'crds', folder: 'crds', may: ['core'] },
  { name: 'testkit', folder: 'packages/testkit', may: ['core'] },
  { name: 'e2e', folder: 'e2e', may: ['core', 'kube', 'testkit'] },
  { name: 'tools', folder: 'tools', may: ['core'] },
];

const scope = '@archpolicy/';

/**
 * The packages of this workspace that a part may not import, as gitignore-style patterns for no-restricted-imports.
 * @param {Part} part
 * @param {boolean} isTest tests may use the testkit and the local cluster
 * @returns {string[]}
 */
export function forbiddenPackages(part, isTest) {
  const allowed = new Set([part.name, ...part.may, ...(isTest ? ['testkit', 'e2e'] : [])]);
  return parts.filter((other) => !allowed.has(other.name)).flatMap(({ name }) => [`${scope}${name}`, `${scope}${name}/*`]);
}
