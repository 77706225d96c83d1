import { configDefaults, defineConfig } from 'vitest/config'

/** `npm run test:real` holds the sandbox and the providers against independent servers, where there are any. */
const real = process.env['npm_lifecycle_event'] === 'test:real'

export default defineConfig({
  test: {
    include: real ? ['test/real/**/*.test.ts'] : ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...(real ? [] : ['test/real/**'])],
    // Real servers and real databases on two cores: generous, so that only a hang fails.
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
})
