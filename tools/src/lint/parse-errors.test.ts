import { describe, expect, test } from '@jest/globals';
import { ESLint } from 'eslint';
import tseslint from 'typescript-eslint';
import { destroyedBody } from './destroyed-body.ts';
import { parseErrors } from './parse-errors.ts';
import { productFiles } from './product-files.ts';

const eslint = new ESLint({
  overrideConfigFile: true,
  overrideConfig: [
    { files: ['**/*.ts'], languageOptions: { parser: tseslint.parser } },
    { ...productFiles, rules: { 'no-restricted-syntax': ['error', ...parseErrors] } },
  ] as ESLint.Options['overrideConfig'] & object,
});

async function refusals(filePath: string, text: string): Promise<number> {
  const [result] = await eslint.lintText(text, { filePath });
  return result?.messages.length ?? 0;
}

const PASSED_ON = 'try { f(JSON.parse(text)); } catch (cause) { throw new Error("no JSON", { cause }); }';

describe('P5 the error of a parser', () => {
  test.each([
    ['an error of JSON.parse is passed on', 'packages/kube/src/a.ts', PASSED_ON],
    [
      'yaml is parsed by the function that warns on stderr',
      'packages/kube/src/a.ts',
      "import { parse as parseYaml } from 'yaml';",
    ],
  ])('P5 refused: %s', async (_, file, text) => {
    expect(await refusals(file, text)).toBe(1);
  });

  test.each([
    ['the error is dropped', 'webhook/src/a.ts', 'try { f(JSON.parse(text)); } catch { g(); }'],
    ['the error is not of a parser', 'webhook/src/a.ts', 'try { f(text); } catch (cause) { g(cause); }'],
    ['yaml is parsed into a document', 'packages/registry/src/a.ts', "import { parseDocument } from 'yaml';"],
    ['a test', 'packages/kube/src/a.test.ts', PASSED_ON],
  ])('P5 allowed: %s', async (_, file, text) => {
    expect(await refusals(file, text)).toBe(0);
  });

  test('P5 the real configuration has it', async () => {
    const real = new ESLint({ cwd: process.cwd() });
    const config = (await real.calculateConfigForFile('operator/src/main.ts')) as { rules?: Record<string, unknown[]> };
    expect(config.rules?.['no-restricted-syntax']).toEqual(expect.arrayContaining([...parseErrors, destroyedBody]));
  });
});
