import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { configDefaults, defineConfig } from 'vitest/config'

/** `npm run test:real` holds the sandbox and the providers against independent servers, where there are any. */
const real = process.env['npm_lifecycle_event'] === 'test:real'

/**
 * Files that can share a process: they keep nothing in a module that another file
 * loads too. Importing everything afresh for each of so many takes longer than they do.
 */
const sharing = [
  'test/{agents,audit,clock,config,identity,invariants,leases,policy,sandbox,seal,store}/**/*.test.ts',
  'test/rejects/{agent,approval,config,http,issuer,lifecycle,policy,request,store,token}-*.test.ts',
]

export default defineConfig({
  test: {
    // Real servers and real databases on two cores: generous, so that only a hang fails.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Much of what they do is waiting, for processes and for deadlines: with as many as cores, some would be idle.
    maxWorkers: Math.max(3, availableParallelism()),
    // The command line and brokers are started hundreds of times, and half of a start is compiling.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/compiled') },
    projects: real
      ? [{ extends: true, test: { name: 'real', include: ['test/real/**/*.test.ts'] } }]
      : [
          { extends: true, test: { name: 'sharing', include: sharing, isolate: false } },
          {
            extends: true,
            test: {
              name: 'alone',
              include: ['test/**/*.test.ts'],
              exclude: [...configDefaults.exclude, ...sharing, 'test/real/**'],
            },
          },
        ],
  },
})
