export default {
  rootDir: 'dist',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.js'],
  testEnvironment: 'node',
  transform: {},
  injectGlobals: false,
  globalSetup: '<rootDir>/test/harness/start.js',
  globalTeardown: '<rootDir>/test/harness/stop.js',
  maxWorkers: 4,
  testSequencer: '<rootDir>/../scripts/test-order.mjs',
  testTimeout: 90_000,
  watchman: false,
};
