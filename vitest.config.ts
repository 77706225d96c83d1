import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { configDefaults, defineConfig } from 'vitest/config'

/** `npm run test:real` holds the sandbox and the providers against independent servers, where there are any. */
const real = process.env['npm_lifecycle_event'] === 'test:real'

/**
 * Files for which everything is imported afresh: they start processes rather than import what
 * they test, or change what belongs to their whole process. For the others that would take
 * longer than their tests do.
 */
const alone = 'test/{action,browser,cli,crash,deploy,examples,fuzz,lies,sdk}/**/*.test.ts'

export default defineConfig({
  test: {
    // Real servers and real databases on two cores: generous, so that only a hang fails.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Much of what they do is waiting, for processes and for deadlines: with as many as cores, some would be idle.
    maxWorkers: Math.max(3, availableParallelism()),
    // The command line and brokers are started hundreds of times, and half of a start is compiling.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/compiled') },
    projects: real
      ? [{ extends: true, test: { name: 'real', include: ['test/real/**/*.test.ts'] } }]
      : [
          {
            extends: true,
            test: {
              name: 'sharing',
              include: ['test/**/*.test.ts'],
              exclude: [...configDefaults.exclude, alone, 'test/real/**'],
              isolate: false,
            },
          },
          { extends: true, test: { name: 'alone', include: [alone] } },
        ],
  },
})
