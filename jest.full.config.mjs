// The long suites alone: `npm run test:full`.
import config from './jest.config.mjs';

export default {
  ...config,
  roots: ['<rootDir>/test/full', '<rootDir>/test/e2e-aws'],
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: 600_000,
  testSequencer: '<rootDir>/test/support/longest-first.mjs',
};
