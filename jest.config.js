/** One run, three kinds of tests: unit (no I/O), component (real sockets on loopback) and e2e (the local cluster). */
const common = {
  testEnvironment: 'node',
  transform: {},
  extensionsToTreatAsEsm: ['.ts'],
  moduleFileExtensions: ['ts', 'js', 'mjs', 'cjs', 'json', 'node'],
  modulePathIgnorePatterns: ['<rootDir>/\\.cluster'],
};

const ignored = ['/node_modules/', '/\\.cluster'];

export default {
  projects: [
    {
      ...common,
      displayName: 'unit',
      // All other test files, so that each file is run by one project.
      testMatch: ['<rootDir>/**/*.test.ts'],
      testPathIgnorePatterns: [...ignored, '\\.component\\.test\\.ts$', '\\.e2e\\.test\\.ts$'],
    },
    {
      ...common,
      displayName: 'component',
      testMatch: ['<rootDir>/**/*.component.test.ts'],
      testPathIgnorePatterns: ignored,
    },
    {
      ...common,
      displayName: 'e2e',
      testMatch: ['<rootDir>/**/*.e2e.test.ts'],
      // `make test-real` runs the suites on a real node.
      testPathIgnorePatterns: [...ignored, '/e2e/real-cluster/'],
    },
  ],
  testSequencer: '<rootDir>/tools/src/test/sequencer.ts',
  // For hanging tests only: on a loaded machine a test takes many times as long.
  testTimeout: 30_000,
  // Many tests wait for a cluster more than they compute.
  maxWorkers: '100%',
  workerIdleMemoryLimit: '1GB',
};
