/** The sources of the processes and of the packages that they consist of, without tests. */
export const productFiles = {
  files: ['packages/*/src/**/*.ts', 'webhook/src/**/*.ts', 'operator/src/**/*.ts'],
  ignores: ['**/*.test.ts', '**/fixtures/**', 'packages/testkit/**'],
};
