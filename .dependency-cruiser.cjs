'use strict';

const lib = (...names) => `^libs/(${names.join('|')})/`;
const tests = '\\.(spec|prop-spec|int-spec|e2e-spec)\\.ts$';

/** Which way imports may point. Tests are looked at too, but may use libs/testing. */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'A cycle is two concepts that are one, or one that is two.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'apps-are-separate',
      comment: 'Services share libs, not each other; only standalone composes them.',
      severity: 'error',
      from: { path: '^apps/(?!standalone/)([^/]+)/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'libs-know-no-app',
      comment: 'An app is a composition root; nothing below it may depend on it.',
      severity: 'error',
      from: { path: '^libs/' },
      to: { path: '^(apps|test)/' },
    },
    {
      name: 'protocol-is-the-bottom',
      comment: 'The wire truth depends on nothing but the schema library.',
      severity: 'error',
      from: { path: lib('protocol'), pathNot: tests },
      to: { path: '^(libs/(?!protocol/)|apps/|node_modules/(?!zod/))' },
    },
    {
      name: 'core-is-pure',
      comment: 'Rooms and mailboxes are simulated; anything with I/O in them cannot be.',
      severity: 'error',
      from: { path: lib('actor-core', 'room', 'protocol', 'edge'), pathNot: tests },
      to: { dependencyTypes: ['core', 'npm'], pathNot: 'node_modules/zod/' },
    },
    {
      name: 'kernel-stands-alone',
      comment: 'actor-core has no dependencies at all.',
      severity: 'error',
      from: { path: lib('actor-core'), pathNot: tests },
      to: { path: '^(libs/(?!actor-core/)|apps/|node_modules/)' },
    },
    {
      name: 'room-uses-kernel-protocol-ports',
      comment: 'room → actor-core, protocol, ports.',
      severity: 'error',
      from: { path: lib('room'), pathNot: tests },
      to: { path: '^libs/(?!(room|actor-core|protocol|ports)/)' },
    },
    {
      name: 'ports-are-interfaces',
      comment: 'A port speaks the domain; it may name protocol types only.',
      severity: 'error',
      from: { path: lib('ports') },
      to: { path: '^(libs/(?!(ports|protocol)/)|apps/|node_modules/)' },
    },
    {
      name: 'adapters-do-not-meet',
      comment: 'An adapter implements ports; it never knows another adapter.',
      severity: 'error',
      from: { path: '^libs/(adapters-[^/]+)/', pathNot: tests },
      to: { path: '^libs/(?!(ports|protocol)/)', pathNot: '^libs/$1/' },
    },
    {
      name: 'nest-stays-at-the-edge',
      comment: 'Framework code lives in apps and in src/nest folders.',
      severity: 'error',
      from: { path: '^libs/', pathNot: ['/src/nest/', tests] },
      to: { path: 'node_modules/(@nestjs|rxjs|reflect-metadata)/' },
    },
    {
      name: 'nats-in-its-adapter',
      comment: 'One place owns the client and its settings.',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: ['^libs/adapters-nats/', tests] },
      to: { path: 'node_modules/nats/' },
    },
    {
      name: 'redis-in-its-adapter',
      comment: 'One place owns the client and its settings.',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: ['^libs/adapters-redis/', tests] },
      to: { path: 'node_modules/ioredis/' },
    },
    {
      name: 'sql-in-its-adapter',
      comment: 'One place owns SQL.',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: ['^libs/adapters-postgres/', '^libs/testing/', tests] },
      to: { path: 'node_modules/(pg|@electric-sql)/' },
    },
    {
      name: 'metrics-in-observability',
      comment: 'The catalogue is the one place where metrics are declared.',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: ['^libs/observability/', tests] },
      to: { path: 'node_modules/prom-client/' },
    },
    {
      name: 'libs-through-index',
      comment: 'What siblings need but others must not is not exported.',
      severity: 'error',
      from: { path: '^(apps|test|libs/([^/]+))/' },
      to: { path: '^libs/([^/]+)/src/(?!index\\.ts$)', pathNot: '^libs/$2/' },
    },
    {
      name: 'no-tests-in-product',
      comment: 'Product code does not import test code.',
      severity: 'error',
      from: { path: '^(apps|libs/(?!testing/))', pathNot: tests },
      to: { path: '^(libs/testing/|test/)' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['require', 'node', 'default', 'types'],
    },
  },
};
