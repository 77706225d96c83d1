import { defineConfig, type OxlintOverride } from 'oxlint'

/**
 * The floors, the lowest first: what a folder may import of ours stands before it, and of
 * packages what is listed (docs/design.md §3). What is not listed is refused.
 */
const core = {
  base: ['node:crypto', 'node:timers/promises', 'fastest-levenshtein', 'jsonc-parser', 'zod'],
  outbound: ['node:net', 'node:tls', 'undici'],
  provider: ['zod'],
  federation: ['node:crypto', 'jose'],
  audit: [],
  identity: ['node:crypto', 'jose', 'zod'],
  agents: ['zod'],
  policy: ['node:events', 'node:util', 'node:worker_threads', '@cedar-policy/cedar-wasm/nodejs'],
  leases: ['zod'],
  tasks: ['node:crypto'],
  control: ['zod'],
  notify: ['node:crypto', 'zod'],
}
const floors = Object.keys(core)

/** What is built on the core, and which of our folders each may not import. */
const built = {
  store: ['http', 'console', 'client', 'cli', 'demo', 'sandbox', 'config', 'broker', 'wire'],
  config: ['http', 'console', 'client', 'cli', 'demo', 'sandbox', 'broker', 'wire'],
  // The shapes that server and clients share know neither.
  wire: ['store', 'http', 'console', 'client', 'cli', 'demo', 'sandbox', 'config', 'broker'],
  http: ['console', 'store', 'client', 'cli', 'demo', 'sandbox', 'config', 'broker'],
  // Pages for people, on the same server.
  console: ['store', 'client', 'cli', 'demo', 'sandbox', 'config', 'broker'],
  // A client is no part of a server: of the core it knows the base and the way out.
  client: [...floors.slice(2), 'store', 'http', 'console', 'cli', 'demo', 'sandbox', 'config', 'broker'],
  // It stands alone, so that it cannot share a mistake with what it tries.
  sandbox: [
    ...floors.slice(3),
    'store',
    'http',
    'console',
    'client',
    'cli',
    'demo',
    'config',
    'broker',
    'wire',
  ],
  broker: ['client', 'cli', 'demo', 'sandbox'],
  cli: [],
  demo: [],
}
const everything = [...floors, ...Object.keys(built)]

const folder = (name: string) => `**/${name}/**`
const providers = '**/providers/**'

function mayNotImport(files: string[], group: string[], message: string): OxlintOverride {
  return { files, rules: { 'no-restricted-imports': ['error', { patterns: [{ group, message }] }] } }
}

/** Of several patterns the last that fits counts: first no package, then what is ours and what is listed, then what of ours is not. */
const ofCore = Object.entries(core).map(([name, packages], index) => {
  const above = [...floors.slice(index + 1), ...Object.keys(built)].map(folder)
  const below = floors.slice(0, index).join(', ') || 'nothing of ours'
  return mayNotImport(
    [`src/${name}/**/*.ts`],
    ['*', '!./**', '!../**', ...packages.map((each) => `!${each}`), ...above, providers],
    `src/${name} may import ${below}, and of packages only ${packages.join(', ')}`,
  )
})

const ofTheRest = Object.entries(built).flatMap(([name, refused]) =>
  refused.length === 0
    ? []
    : mayNotImport(
        [`src/${name}/**/*.ts`],
        [...refused.map(folder), providers],
        `src/${name} may not import ${refused.join(', ')}, nor a provider`,
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
    ...ofCore,
    ...ofTheRest,
    {
      files: floors.map((name) => `src/${name}/**/*.ts`),
      rules: {
        'no-restricted-globals': [
          'error',
          { name: 'process', message: 'the environment comes in through the composition root' },
          { name: 'fetch', message: 'what calls out is given its fetch' },
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
    // The clock is where time comes in.
    {
      files: ['src/base/clock.ts'],
      rules: { 'no-restricted-globals': 'off', 'no-restricted-properties': 'off' },
    },
    mayNotImport(
      ['providers/*/**/*.ts'],
      [
        providers,
        ...everything
          .filter((name) => !['base', 'outbound', 'provider'].includes(name))
          .map((name) => `**/src/${name}/**`),
      ],
      'a provider imports the contract, the base and its own SDK',
    ),
    // `const { path, remove } = await …`: fixtures are closures, not objects with a `this`.
    { files: ['test/**/*.ts'], rules: { 'typescript/unbound-method': 'off' } },
  ],
})
