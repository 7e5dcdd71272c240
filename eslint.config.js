import js from '@eslint/js';
import tseslint from 'typescript-eslint';
import { arrowConfigs } from './tools/src/arrows/arrows.ts';
import { destroyedBody } from './tools/src/lint/destroyed-body.ts';
import { errorCodes } from './tools/src/lint/error-codes.ts';
import { parseErrorImplementation, parseErrors } from './tools/src/lint/parse-errors.ts';
import { productFiles } from './tools/src/lint/product-files.ts';
import { timerImplementation, timers } from './tools/src/lint/timers.ts';

const noExit = {
  object: 'process',
  property: 'exit',
  message: 'Only main.ts ends the process: return an exit status, or throw.',
};
const noEnv = {
  object: 'process',
  property: 'env',
  message: 'Only config.ts (and main.ts, which hands it over) reads the environment.',
};

/** Syntax that is forbidden in every file. */
const everywhere = [destroyedBody, ...errorCodes];

const wallClock = ['Date', 'performance'].map((name) => ({ name, message: 'Take a Clock.' }));

export default tseslint.config(
  { ignores: ['**/node_modules/**', 'coverage/**', 'dist/**', '.cluster*/**'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/consistent-type-definitions': 'off',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      complexity: ['error', 12],
      'max-lines': ['error', { max: 300 }],
      'max-lines-per-function': ['error', { max: 60 }],
      'no-console': 'error',
      'no-restricted-properties': ['error', noExit, noEnv],
      'no-restricted-syntax': ['error', ...everywhere],
      eqeqeq: 'error',
    },
  },
  // main.ts ends the process and hands its environment over.
  { files: ['**/main.ts'], rules: { 'no-restricted-properties': 'off' } },
  { files: ['**/config.ts', '**/config/*.ts'], rules: { 'no-restricted-properties': ['error', noExit] } },
  {
    files: ['packages/core/src/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-globals': ['error', { name: 'Date', message: 'core has no clock: take the time as a parameter.' }],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'core has no randomness: take it as a parameter.' },
      ],
    },
  },
  // A later `no-restricted-syntax` replaces the earlier ones, so each repeats what they forbid.
  { ...productFiles, rules: { 'no-restricted-syntax': ['error', ...everywhere, ...timers, ...parseErrors] } },
  { files: timerImplementation, rules: { 'no-restricted-syntax': ['error', ...everywhere, ...parseErrors] } },
  { files: parseErrorImplementation, rules: { 'no-restricted-syntax': ['error', ...everywhere, ...timers] } },
  {
    files: ['packages/async/src/**/*.ts'],
    ignores: ['**/*.test.ts', '**/clock.ts'],
    rules: { 'no-restricted-globals': ['error', ...wallClock] },
  },
  // Tests and what only they import may be longer: their tables are read from top to bottom.
  {
    files: ['**/*.test.ts', 'packages/testkit/**/*.ts', '**/fixtures/**/*.ts', 'e2e/**/*.ts'],
    rules: { 'max-lines': ['error', { max: 350 }] },
  },
  {
    files: ['**/*.test.ts'],
    rules: {
      // A test file is one long `describe`; its cases are what must be short.
      'max-lines-per-function': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  { files: ['**/*.js'], languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } } },
  ...arrowConfigs,
);
