/**
 * The arrows between the parts (docs/architecture.md): each part with the parts that it may import. eslint.config.js
 * reads this table; arrows.test.ts proves that violations are reported.
 */
export interface Part {
  readonly name: string;
  readonly folder: string;
  /** Package names of the parts that this part may import. */
  readonly may: readonly string[];
  /** The only npm packages that a pure part may import; absent for other parts. */
  readonly npm?: readonly string[];
}

export const parts: readonly Part[] = [
  { name: 'core', folder: 'packages/core', may: [], npm: ['zod'] },
  { name: 'async', folder: 'packages/async', may: [], npm: [] },
  { name: 'tls', folder: 'packages/tls', may: ['core'] },
  { name: 'registry', folder: 'packages/registry', may: ['core', 'async', 'tls'] },
  { name: 'kube', folder: 'packages/kube', may: ['core', 'async', 'tls'] },
  { name: 'service', folder: 'packages/service', may: ['core', 'async'] },
  { name: 'cluster-view', folder: 'packages/cluster-view', may: ['core', 'async', 'kube'] },
  { name: 'lifecycle', folder: 'packages/lifecycle', may: ['core', 'async', 'kube', 'process', 'service'] },
  { name: 'process', folder: 'packages/process', may: ['core', 'async', 'kube', 'registry', 'service'] },
  {
    name: 'webhook',
    folder: 'webhook',
    may: ['core', 'async', 'tls', 'registry', 'kube', 'service', 'cluster-view', 'process'],
  },
  {
    name: 'operator',
    folder: 'operator',
    may: ['core', 'async', 'tls', 'registry', 'kube', 'service', 'cluster-view', 'process'],
  },
  { name: 'crds', folder: 'crds', may: ['core'] },
  { name: 'testkit', folder: 'packages/testkit', may: ['core', 'async'] },
  { name: 'e2e', folder: 'e2e', may: ['core', 'async', 'kube', 'testkit'] },
  { name: 'tools', folder: 'tools', may: ['core', 'testkit'] },
];

/** Folders of one part. One of them may import the other folders, but the other folders must not import it. */
export interface Rooms {
  /** Name of the part. */
  readonly part: string;
  readonly folders: readonly string[];
  /** The folder that the other folders must not import. This folder may import all others. */
  readonly never: string;
}

/** Remediation may import the operator's other folders. They must not import remediation. */
export const rooms: readonly Rooms[] = [
  {
    part: 'operator',
    folders: [
      'certificates',
      'gate',
      'image-drift',
      'keep-warm',
      'policy',
      'reporting',
      'statistics',
      'webhook-health',
    ],
    never: 'remediation',
  },
];

/** Tests, their shared fixtures, and fuzzers. */
const TESTS = ['**/*.test.ts', '**/fixtures/**/*.ts', '**/fuzz/**/*.ts'];

/** Parts that tests may import in addition to those of their own part. */
const FOR_TESTS = ['testkit', 'e2e'];

const message = 'This import goes against an arrow of docs/architecture.md; the table is tools/src/arrows/arrows.ts.';

/** Rejects relative paths that leave a package, because an arrow must be visible as a package name. */
const climbing = {
  regex: String.raw`^(\.\./)+(packages|operator|webhook|crds|e2e|tools|core|async|tls/src|registry|kube|service|lifecycle|process/src|cluster-view|testkit)/`,
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
  const imported = part.npm.length === 0 ? 'no package' : `nothing but ${part.npm.join(', ')}`;
  return [
    {
      regex: String.raw`^(?!\.|@archpolicy/|(${part.npm.join('|')})$)`,
      message: `${part.name} is pure: it imports ${imported}.`,
    },
  ];
}

function restrictions(part: Part, isTest: boolean, more: readonly Pattern[] = []): RestrictedImports['rules'] {
  const own = [{ group: forbiddenPackages(part, isTest), message }, climbing, ...(isTest ? [] : onlyPure(part))];
  const patterns = [...own, ...more];
  return { 'no-restricted-imports': ['error', { patterns }] };
}

/** Builds the configuration objects for the sources and for the tests below these folders. */
function buildConfigs(part: Part, folders: readonly string[], more?: readonly Pattern[]): RestrictedImports[] {
  return [
    { files: folders.map((folder) => `${folder}/**/*.ts`), ignores: TESTS, rules: restrictions(part, false, more) },
    {
      files: folders.flatMap((folder) => TESTS.map((tests) => `${folder}/${tests}`)),
      rules: restrictions(part, true, more),
    },
  ];
}

/**
 * Builds the configuration objects for the rooms of a part. The objects repeat the arrows of the part, because in
 * ESLint a later object replaces the rule of an earlier object.
 */
function roomConfigs(part: Part): RestrictedImports[] {
  return rooms
    .filter((room) => room.part === part.name)
    .flatMap(({ folders, never }) => {
      const room = { regex: String.raw`^(\.\./)+${never}/`, message: `This folder does not import ${never}/.` };
      return buildConfigs(
        part,
        folders.map((folder) => `${part.folder}/src/${folder}`),
        [room],
      );
    });
}

/** ESLint configuration objects for the arrows: for the sources and the tests of each part, and for its rooms. */
export const arrowConfigs: readonly RestrictedImports[] = parts.flatMap((part) => [
  ...buildConfigs(part, [part.folder]),
  ...roomConfigs(part),
]);
