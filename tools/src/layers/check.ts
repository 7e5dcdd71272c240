import { cruise } from 'dependency-cruiser';
import type { ICruiseResult, IViolation } from 'dependency-cruiser';
import type { Layer } from './layers.ts';
import { importRules } from './rules.ts';

const TESTS = '\\.test\\.ts$';

/** Returns one line for each import that breaks a rule, in the sources below `folders` of the checkout at `root`. */
export async function checkImports(
  root: string,
  folders: readonly string[],
  layers: Readonly<Record<string, readonly Layer[]>>,
): Promise<readonly string[]> {
  const { output } = await cruise([...folders], {
    baseDir: root,
    validate: true,
    ruleSet: { forbidden: importRules(layers) },
    tsPreCompilationDeps: true,
    doNotFollow: { path: ['node_modules'] },
    exclude: { path: [TESTS] },
  });
  return (output as ICruiseResult).summary.violations.map(describe);
}

function describe({ rule, from, to, cycle, comment }: IViolation): string {
  const path = cycle === undefined ? [to] : cycle.map(({ name }) => name);
  return `${rule.name}: ${[from, ...path].join(' -> ')}${comment === undefined ? '' : ` (${comment})`}`;
}
