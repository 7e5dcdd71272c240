/** Checks the imports inside the packages: prints the violations of `rules.ts`, and exits with 1 if there are any. */
import { ROOT } from '../run.ts';
import { checkImports } from './check.ts';
import { layers } from './layers.ts';

const violations = await checkImports(ROOT, ['packages', 'operator', 'webhook', 'crds', 'tools', 'e2e'], layers);
for (const line of violations) process.stdout.write(`${line}\n`);
process.exitCode = violations.length === 0 ? 0 : 1;
