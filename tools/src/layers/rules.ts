import type { IForbiddenRuleType } from 'dependency-cruiser';
import type { Layer } from './layers.ts';

const FIXTURES = '/fixtures/';
/**
 * Files that no file of their package needs to import: they are started, imported by other packages, or loaded by
 * eslint or jest.
 */
const ENTRIES = '/(index|main|sequencer|lint/[^/]+|arrows/arrows)\\.ts$';
/** Packages for tests only. */
const TEST_PACKAGES = ['^packages/testkit/', '^e2e/'];
/** `make mutants` starts these files by their paths. */
const STARTED_BY_PATH = '^tools/src/mutants/';

/**
 * Returns the rules for dependency-cruiser: no import cycles, imports only from lower layers, no imports of fixtures by
 * product files, and no product files that only tests use. The imports of tests are not checked.
 */
export function importRules(layers: Readonly<Record<string, readonly Layer[]>>): IForbiddenRuleType[] {
  return [
    {
      name: 'import-cycle',
      comment: 'Files import each other. Move the shared code into a third file.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'folder-cycle',
      comment: 'Folders import each other. Move the shared code into a folder below both.',
      severity: 'error',
      scope: 'folder',
      from: {},
      to: { circular: true },
    },
    {
      name: 'fixture-in-product',
      comment: 'Only tests and other fixtures import fixtures.',
      severity: 'error',
      from: { path: '/src/', pathNot: [FIXTURES, ...TEST_PACKAGES] },
      to: { path: [FIXTURES] },
    },
    {
      name: 'test-code-in-product',
      comment: 'Only tests use this file: move it to a folder named fixtures.',
      severity: 'error',
      from: { path: [ENTRIES] },
      to: {
        path: '/src/.+\\.ts$',
        pathNot: [ENTRIES, FIXTURES, STARTED_BY_PATH, ...TEST_PACKAGES],
        reachable: false,
      },
    },
    ...Object.entries(layers).flatMap(([folder, ordered]) => layerRules(folder, ordered)),
  ] as IForbiddenRuleType[];
}

function layerRules(folder: string, ordered: readonly Layer[]): object[] {
  const groups = ordered.map((layer) => (typeof layer === 'string' ? [layer] : layer));
  return groups
    .flatMap((group, at) =>
      group.map((name) => {
        const notBelow = groups
          .slice(at)
          .flat()
          .filter((other) => other !== name);
        return {
          name: 'layer-order',
          comment: `${folder}/${name} imports only from the layers below it (tools/src/layers/layers.ts).`,
          severity: 'error',
          from: { path: [toPattern(folder, name)], pathNot: [FIXTURES] },
          to: { path: notBelow.map((other) => toPattern(folder, other)) },
        };
      }),
    )
    .filter(({ to }) => to.path.length > 0);
}

/** Matches a file, or all files below a folder. */
function toPattern(folder: string, name: string): string {
  const escaped = `${folder}/${name}`.replaceAll('.', '\\.');
  return /\.[jt]s$/.test(name) ? `^${escaped}$` : `^${escaped}/`;
}
