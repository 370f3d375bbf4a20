// The import table of the layout: who may import whom. A folder that is not named may import nothing of the project.
const may = {
  '^src/contracts/': ['^src/contracts/', '^schemas/'],
  '^src/domain/': ['^src/domain/', '^src/contracts/'],
  '^src/ports\\.ts$': ['^src/domain/', '^src/contracts/'],
  '^src/flows/': ['^src/flows/', '^src/ports\\.ts$', '^src/domain/', '^src/contracts/'],
  '^src/adapters/aws/': ['^src/adapters/aws/', '^src/ports\\.ts$', '^src/domain/', '^src/contracts/'],
  '^src/adapters/local/': ['^src/adapters/local/', '^src/ports\\.ts$', '^src/domain/', '^src/contracts/'],
  '^src/adapters/sql-directory': ['^src/ports\\.ts$'],
  '^src/local/': [
    '^src/local/',
    '^src/flows/',
    '^src/adapters/(local/|sql-directory)',
    '^src/ports\\.ts$',
    '^src/domain/',
    '^src/contracts/',
  ],
  '^src/generators/': ['^src/generators/', '^src/contracts/'],
  '^src/cli/': ['^src/', '^config/'],
  '^scripts/': ['^scripts/'],
  // Templates name lambdas, glue scripts and SQL by their paths. How functions are bundled, consumers fed and metrics named, what
  // is set and what the catalog is told is said once.
  '^lib/': [
    '^lib/',
    '^scripts/bundle',
    '^src/(domain/(stream/event-source-settings|metrics/custom-metrics|lake/catalog)|local/settings)\\.ts$',
  ],
  // The catalog's tables follow from contracts and models, which templates do not know.
  '^bin/': ['^scripts/', '^src/cli/', '^src/(local/settings|flows/catalog|adapters/sql-directory)\\.ts$', '^lib/'],
  // What a flow's file holds of domain and contracts reaches a function through the flow.
  '^lambdas/': ['^src/flows/', '^src/adapters/(aws/|sql-directory)', '^src/ports\\.ts$'],
  '^test/': ['^'],
  '^bench/': ['^'],
};

const npm = ['^node_modules/'];

/** I/O belongs to adapters and the local platform; the domain computes, and hashing and sealing are computing. */
const pure = {
  name: 'domain-is-pure',
  comment: 'src/domain holds pure functions: no I/O, no SDK. Move the I/O to an adapter.',
  severity: 'error',
  from: { path: '^src/(domain|flows|ports)' },
  to: { dependencyTypes: ['core'], pathNot: '^(node:)?(crypto|zlib|util|stream)$' },
};

export default {
  forbidden: [
    ...Object.entries(may).map(([from, to]) => ({
      name: `imports-of ${from}`,
      comment: `Files in ${from} may import only ${to.join(', ')} and packages (README, Find your way).`,
      severity: 'error',
      from: { path: from },
      to: { pathNot: [...to, ...npm], dependencyTypesNot: ['core'] },
    })),
    pure,
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'Two files that need each other are one, or miss a third.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-test-imports',
      severity: 'error',
      comment: 'Tests and benchmarks are imported by nobody.',
      from: { pathNot: '^(test|bench)/' },
      to: { path: '^(test|bench)/' },
    },
    {
      name: 'resolvable',
      severity: 'error',
      comment: 'The import leads nowhere.',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: 'src/contracts/generated/validators\\.js$' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.mjs', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
};
