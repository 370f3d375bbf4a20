export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/full/', '<rootDir>/test/e2e-aws/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/test/support/strip-types.mjs' },
  testTimeout: 60_000,
  // One more than there are cores: a worker often waits for a process that it started.
  maxWorkers: 3,
  globalSetup: '<rootDir>/test/support/start-moto.mjs',
  globalTeardown: '<rootDir>/test/support/stop-moto.mjs',
  reporters: ['default', '<rootDir>/test/support/closing-line-reporter.mjs'],
};
