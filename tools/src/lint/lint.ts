import { MODULES, ROOT, runNodeQuietly } from '../run.ts';

interface Step {
  readonly name: string;
  readonly args: readonly string[];
}

const tsc = `${MODULES}typescript/bin/tsc`;

const STEPS: readonly Step[] = [
  {
    name: 'formatter',
    args: [`${MODULES}prettier/bin/prettier.cjs`, '--check', '--log-level', 'warn', '.'],
  },
  { name: 'types of everything', args: [tsc, '-p', 'tsconfig.json'] },
  { name: 'types of core, without node, clock and globals', args: [tsc, '-p', 'packages/core'] },
  { name: 'layers and import cycles', args: [`${ROOT}tools/src/layers/main.ts`] },
  { name: 'language', args: [`${ROOT}tools/src/language/main.ts`] },
  { name: 'linter', args: [`${MODULES}eslint/bin/eslint.js`, '--max-warnings', '0', '.'] },
];

export interface LintOutcome {
  readonly name: string;
  readonly passed: boolean;
}

/** Runs all steps in sequence and prints the result of each. */
export async function lint(env: NodeJS.ProcessEnv, print: (line: string) => void): Promise<LintOutcome[]> {
  const outcomes: LintOutcome[] = [];
  for (const { name, args } of STEPS) {
    const started = performance.now();
    const { code, output } = await runNodeQuietly(args, env);
    const passed = code === 0;
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    if (output.trim() !== '') print(output.trimEnd());
    print(`lint: ${name}: ${passed ? 'passed' : 'FAILED'} (${seconds} s)`);
    outcomes.push({ name, passed });
  }
  return outcomes;
}
