import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Real servers and real databases on two cores: generous, so that only a hang fails.
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
})
