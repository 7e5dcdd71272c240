/** `make test-real`. A cluster with a real node needs root on Linux; elsewhere its suites are skipped. */
export default {
  testEnvironment: 'node',
  transform: {},
  extensionsToTreatAsEsm: ['.ts'],
  moduleFileExtensions: ['ts', 'js', 'mjs', 'cjs', 'json', 'node'],
  testMatch: ['<rootDir>/**/*.e2e.test.ts'],
};
