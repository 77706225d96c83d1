import { defineConfig, type OxlintOverride } from 'oxlint'

/** What the parts of the broker may import: each only what stands to its left (CONTRIBUTING.md). */
const order = ['audit', 'identity', 'agents', 'policy', 'leases', 'tasks', 'control']
/** Where everything is joined, reached from outside, or tried: nothing of the core knows these. */
const outside = ['store', 'http', 'console', 'cli', 'client', 'sandbox', 'config']
/** Files that join the parts, or that only the joining uses. */
const rootNames = [
  'alarm',
  'heads',
  'config',
  'broker',
  'core',
  'reload',
  'housekeeping',
  'offline',
  'services',
  'telemetry',
  'logger',
]
const roots = rootNames.map((name) => `**/${name}.ts`)
const sdks = [
  'hono',
  'hono/*',
  '@hono/*',
  'kysely',
  'node:sqlite',
  '@octokit/*',
  'undici',
  'pino',
  'prom-client',
  'commander',
  'node-vault',
  '@aws-sdk/*',
]

const folder = (name: string) => `**/${name}/**`

function mayNotImport(files: string[], group: string[], message: string): OxlintOverride {
  return {
    files,
    rules: { 'no-restricted-imports': ['error', { patterns: [{ group, message }] }] },
  }
}

const core = order.map((name, index) =>
  mayNotImport(
    [`src/${name}/**/*.ts`],
    [...order.slice(index + 1).map(folder), ...outside.map(folder), ...roots, ...sdks, '**/providers/**'],
    `src/${name} may import only what stands to its left: ${order.slice(0, index).join(', ') || 'the contracts in src/'}`,
  ),
)

export default defineConfig({
  plugins: ['typescript', 'unicorn', 'oxc', 'import', 'promise'],
  categories: { correctness: 'error' },
  rules: {
    'import/no-cycle': ['error', { ignoreTypes: false }],
    'typescript/consistent-type-imports': 'error',
    'typescript/no-explicit-any': 'error',
  },
  overrides: [
    ...core,
    {
      files: order.map((name) => `src/${name}/**/*.ts`),
      rules: {
        'no-restricted-globals': [
          'error',
          { name: 'process', message: 'the environment comes in through the composition root' },
          { name: 'setTimeout', message: 'time comes in through Clock' },
          { name: 'setInterval', message: 'time comes in through Clock' },
        ],
        'no-restricted-properties': [
          'error',
          { object: 'Date', property: 'now', message: 'time comes in through Clock' },
          { object: 'performance', property: 'now', message: 'time comes in through Clock' },
        ],
      },
    },
    mayNotImport(
      ['src/http/**/*.ts', 'src/console/**/*.ts'],
      [...['store', 'config', 'cli', 'client', 'sandbox'].map(folder), ...roots, '**/providers/**'],
      'only the composition root joins what is reached from outside to the store and the configuration',
    ),
    mayNotImport(
      ['providers/*/**/*.ts'],
      [
        '**/providers/**',
        ...order.map((name) => `**/src/${name}/**`),
        ...outside.map((name) => `**/src/${name}/**`),
        ...rootNames.map((name) => `**/src/${name}.ts`),
      ],
      'a provider imports the contract, the errors and its own SDK',
    ),
    // `const { path, remove } = await …`: fixtures are closures, not objects with a `this`.
    { files: ['test/**/*.ts'], rules: { 'typescript/unbound-method': 'off' } },
    mayNotImport(
      ['src/sandbox/**/*.ts'],
      [...[...order, 'store', 'http', 'cli', 'client', 'config'].map(folder), ...roots],
      'the sandbox stands alone',
    ),
  ],
})
