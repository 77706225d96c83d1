/** When a broker has the server's statistics taken, and what it does when they cannot be. */
import { expect, it } from 'vitest'
import { statistics } from '../../src/store/postgres-statistics.ts'
import type { Statements } from '../../src/store/statements.ts'
import { manualClock } from '../support/clock.ts'
import { noon } from '../support/store.ts'

const minute = 60

/** A server on which the statistics of these tables are out of date for ever. */
function outOfDate(...tables: string[]) {
  const clock = manualClock(noon)
  const taken: string[] = []
  const warnings: unknown[] = []
  const failing = new Set<string>()
  const statements = {
    all: async () => tables.map((name) => ({ name })),
    run: async (sql: string) => {
      const [, table] = /^analyze \(skip_locked\) "(.*)"$/.exec(sql) ?? []
      if (table === undefined) return
      if (failing.has(table)) throw new Error('too slow')
      taken.push(table)
    },
  } as Partial<Statements> as Statements
  const log = {
    info: () => undefined,
    error: () => undefined,
    warn: (fields: object) => void warnings.push(fields),
  }
  const tend = statistics(clock, log)
  return {
    failing,
    warnings,
    /** What is taken in the seconds that go by. */
    async seconds(count: number) {
      taken.length = 0
      for (let n = 0; n < count; n += 1) {
        await clock.advance(1_000)
        await tend({ inOwnTurn: (work) => work(statements) })
      }
      return [...taken]
    },
  }
}

it('one table has its turn after another, a second apart, at once and then once a minute', async () => {
  const server = outOfDate('leases', 'tasks')
  expect(await server.seconds(1)).toEqual(['leases'])
  expect(await server.seconds(1)).toEqual(['tasks'])
  expect(await server.seconds(minute)).toEqual([])
  expect(await server.seconds(2)).toEqual(['leases', 'tasks'])
})

it('a table of which they cannot be taken holds up no other, is told of, and is left alone for an hour', async () => {
  const server = outOfDate('leases', 'tasks')
  server.failing.add('leases')
  expect(await server.seconds(2)).toEqual(['tasks'])
  expect(server.warnings).toMatchObject([{ table: 'leases' }])
  server.failing.clear()
  expect(await server.seconds(59 * minute)).not.toContain('leases')
  expect(await server.seconds(3 * minute)).toContain('leases')
  expect(server.warnings).toHaveLength(1)
})
