/**
 * The arrows between the parts (docs/architecture.md): who may import whom. One table, read by eslint.config.js, and
 * proven to bite by the test beside it.
 */
export interface Part {
  readonly name: string;
  readonly folder: string;
  /** Parts that this one may import, by package name. */
  readonly may: readonly string[];
  /** When given, the only other packages that the part may import: it is pure. */
  readonly npm?: readonly string[];
}

export const parts: readonly Part[] = [
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
  { name: 'tools', folder: 'tools', may: ['core', 'testkit'] },
];

/** Tests, and what several of them share. */
const TESTS = ['**/*.test.ts', '**/fixtures/**/*.ts'];

/** What tests may import on top of their part's own arrows. */
const FOR_TESTS = ['testkit', 'e2e'];

const message = 'This import goes against an arrow of docs/architecture.md; the table is tools/src/arrows/arrows.ts.';

/** Relative paths that climb out of a package hide an arrow: it must be visible as a package name. */
const climbing = {
  regex: String.raw`^(\.\./)+(packages|operator|webhook|crds|e2e|tools|core|registry|kube|service|cluster-view|testkit)/`,
  message,
};

interface Pattern {
  readonly regex?: string;
  readonly group?: string[];
  readonly message: string;
}

interface RestrictedImports {
  readonly files: string[];
  readonly ignores?: string[];
  readonly rules: { readonly 'no-restricted-imports': ['error', { readonly patterns: readonly Pattern[] }] };
}

function forbiddenPackages(part: Part, isTest: boolean): string[] {
  const allowed = new Set([part.name, ...part.may, ...(isTest ? FOR_TESTS : [])]);
  return parts
    .filter((other) => !allowed.has(other.name))
    .flatMap(({ name }) => [`@archpolicy/${name}`, `@archpolicy/${name}/*`]);
}

function onlyPure(part: Part): Pattern[] {
  if (part.npm === undefined) return [];
  return [
    {
      regex: String.raw`^(?!\.|@archpolicy/|(${part.npm.join('|')})$)`,
      message: `${part.name} is pure: it imports nothing but ${part.npm.join(', ')}.`,
    },
  ];
}

function restrictions(part: Part, isTest: boolean): RestrictedImports['rules'] {
  const patterns = [{ group: forbiddenPackages(part, isTest), message }, climbing, ...(isTest ? [] : onlyPure(part))];
  return { 'no-restricted-imports': ['error', { patterns }] };
}

/** ESLint configuration objects that hold the arrows, one for the sources and one for the tests of each part. */
export const arrowConfigs: readonly RestrictedImports[] = parts.flatMap((part) => [
  { files: [`${part.folder}/**/*.ts`], ignores: TESTS, rules: restrictions(part, false) },
  { files: TESTS.map((tests) => `${part.folder}/${tests}`), rules: restrictions(part, true) },
]);
