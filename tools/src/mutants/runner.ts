/**
 * Loads the instrumented sources and their tests once. Then, for each given number of a mutant, runs the tests until
 * one fails. Prints `ready` when it has loaded them, and then `NUMBER killed` or `NUMBER survived` for each mutant.
 */
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { CollectedTest } from './harness.ts';
import { instrument, SWITCH } from './instrument.ts';
import { allMutants, ROOT, testFiles } from './subjects.ts';

const here = (name: string): string => new URL(name, import.meta.url).href;
const REPLACEMENTS: Readonly<Record<string, string>> = {
  '@jest/globals': here('./harness.ts'),
  'fast-check': here('./generated.ts'),
};

/** Loads the tests while the mutant `active` is switched on. */
async function load(active: number): Promise<readonly CollectedTest[]> {
  const byFile = Map.groupBy(allMutants(), ({ file }) => pathToFileURL(join(ROOT, file)).href);
  registerHooks({
    resolve: (specifier, context, next) => {
      const replacement = context.parentURL === here('./generated.ts') ? undefined : REPLACEMENTS[specifier];
      return replacement === undefined ? next(specifier, context) : { url: replacement, shortCircuit: true };
    },
    load: (url, context, next) => {
      const mutants = byFile.get(url);
      if (mutants === undefined) return next(url, context);
      const source = stripTypeScriptTypes(instrument(readFileSync(fileURLToPath(url), 'utf8'), mutants));
      return { format: 'module', source, shortCircuit: true };
    },
  });
  switchOn(active);
  const { collected } = await import('./harness.ts');
  for (const path of testFiles()) await import(pathToFileURL(path).href);
  return collected.toSorted((a, b) => Number(a.isProperty) - Number(b.isProperty));
}

function switchOn(number: number): void {
  Object.assign(globalThis, { [SWITCH]: number });
}

/** Returns the title of the first test that fails. */
async function firstFailure(tests: readonly CollectedTest[]): Promise<string | undefined> {
  for (const { title, run } of tests) {
    try {
      await run();
    } catch {
      return title;
    }
  }
  return undefined;
}

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const [mode, ...numbers] = process.argv.slice(2);
const loadedWith = mode === 'static' ? Number(numbers[0]) : 0;
let tests: readonly CollectedTest[] = [];
try {
  tests = await load(loadedWith);
} catch (error) {
  // A mutant that prevents a module from being loaded counts as killed.
  if (loadedWith === 0) throw error;
}
print('ready');
for (const number of numbers.map(Number)) {
  switchOn(number);
  const failure = tests.length === 0 ? 'not loaded' : await firstFailure(tests);
  if (number === 0 && failure !== undefined) throw new Error(`without any mutant a test fails: ${failure}`);
  print(`${number} ${failure === undefined ? 'survived' : 'killed'}`);
}
