import { describe, expect, test } from '@jest/globals';
import { ESLint } from 'eslint';
import tseslint from 'typescript-eslint';
import { errorCodes } from './error-codes.ts';

const eslint = new ESLint({
  overrideConfigFile: true,
  overrideConfig: [
    {
      files: ['**/*.ts'],
      languageOptions: { parser: tseslint.parser },
      rules: { 'no-restricted-syntax': ['error', ...errorCodes] },
    },
  ] as ESLint.Options['overrideConfig'] & object,
});

describe('codes of errors', () => {
  test.each([
    ["type LeaseErrorCode = 'LeaseLost' | 'PodUnreadable';", 0],
    ["type LeaseErrorCode = 'LeaseLost' | 'too-large' | 'REDIS_URL';", 2],
    ["type FileProblemCode = 'fileTooLarge';", 1],
    ["type Outcome = 'too-large';", 0],
    ["class A extends Error { readonly code = 'BadConfiguration'; }", 0],
    ["class A extends Error { readonly code = 'LEASE_LOST'; }", 1],
    ["class A extends KubeError { readonly code = 'bad'; }", 1],
    ['class A extends Error { readonly code: LeaseErrorCode; }', 0],
    ['class A extends Error { readonly code: Reason; }', 1],
    ['class A extends Error { readonly code: string; }', 1],
    ["class A extends Error { readonly code: 'a' | 'b'; }", 1],
    ["class A extends Error { readonly code: 'a'; }", 1],
    ['class A extends CodedError<LeaseErrorCode> {}', 0],
    ["class A extends CodedError<'LeaseLost'> {}", 0],
    ["class A extends CodedError<'lease-lost'> {}", 1],
    ["class A extends CodedError<'LeaseLost' | 'PodGone'> {}", 1],
    ['class A extends CodedError<Reason> {}', 1],
    ['class A extends CodedError<string> {}', 1],
    ["class A { readonly code = 'any'; }", 0],
  ])('%s: errors: %i', async (code, errors) => {
    const [result] = await eslint.lintText(`${code}\n`, { filePath: 'a.ts' });
    expect(result?.messages.map((message) => message.ruleId)).toEqual(Array(errors).fill('no-restricted-syntax'));
  });

  test.each([
    'packages/kube/src/errors.ts',
    'packages/async/src/timeout.ts',
    'packages/async/src/clock.ts',
    'packages/core/src/parsing/parse-json.ts',
    'operator/src/errors.ts',
    'crds/src/structural.ts',
    'e2e/cluster/src/errors.ts',
    'tools/src/run.ts',
  ])('are checked in %s', async (file) => {
    const real = new ESLint({ cwd: process.cwd() });
    const config = (await real.calculateConfigForFile(file)) as { rules?: Record<string, unknown[]> };
    expect(config.rules?.['no-restricted-syntax']).toEqual(expect.arrayContaining(errorCodes));
  });
});
