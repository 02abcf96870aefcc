'use strict';

const { readFileSync } = require('node:fs');

const swcrc = JSON.parse(readFileSync(`${__dirname}/.swcrc`, 'utf8'));
// Jest resolves paths itself; SWC must leave the specifiers alone, or mocks and coverage name the wrong files.
const { baseUrl: _baseUrl, paths: _paths, ...jsc } = swcrc.jsc;

const project = (displayName, testMatch, extra = {}) => ({
  displayName,
  rootDir: __dirname,
  testEnvironment: 'node',
  testMatch,
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
  moduleNameMapper: { '^@troupe/(.*)$': '<rootDir>/libs/$1/src/index.ts' },
  transform: {
    '^.+\\.ts$': ['@swc/jest', { jsc, module: swcrc.module, sourceMaps: 'inline', swcrc: false }],
  },
  ...extra,
});

/** Tiers: pure and fast; adapters against real servers; whole system. */
module.exports = {
  projects: [
    project('unit', [
      '<rootDir>/{apps,libs,test}/**/*.spec.ts',
      '<rootDir>/{apps,libs,test}/**/*.prop-spec.ts',
    ]),
    project('integration', ['<rootDir>/{apps,libs,test}/**/*.int-spec.ts'], {
      globalSetup: '<rootDir>/test/setup/global-setup.ts',
      globalTeardown: '<rootDir>/test/setup/global-teardown.ts',
    }),
    project('e2e', ['<rootDir>/test/**/*.e2e-spec.ts']),
  ],
};
