/** A record longer than what is looked through at a time. */
import { expect, it } from 'vitest'
import { listEvents } from '../../src/control/lists.ts'
import { sqliteStore } from '../support/sqlite.ts'
import { noon } from '../support/store.ts'

const many = 4_500
const rare = [1, 2, 1_999, 2_500, 4_499]

async function longRecord() {
  const store = await sqliteStore()
  await store.unit.write(async (tx) => {
    for (let n = 1; n <= many; n += 1)
      store.audit.record(tx, {
        at: noon + n,
        type: rare.includes(n) ? 'broker.stopped' : 'broker.started',
        actor: 'broker',
      })
  })
  return store
}

it.each([false, true])('what is rare in it is found, the oldest first: %s', async (oldestFirst) => {
  await using store = await longRecord()
  const reads: number[] = []
  const audit = {
    ...store.audit,
    list: async (...asked: Parameters<typeof store.audit.list>) => {
      const page = await store.audit.list(...asked)
      reads.push(page.items.length)
      return page
    },
  }
  const filter = { type: 'broker.stopped' } as const
  const { items, next } = await listEvents({ unit: store.unit, audit }, filter, { limit: 100, oldestFirst })
  const found = items.map(({ at }) => at - noon)
  expect(found).toEqual(oldestFirst ? rare : rare.toReversed())
  expect(next).toBeNull()
  // A part at a time, each in a snapshot of its own: others have their turn between them.
  expect(reads).toHaveLength(3)
})

it('a page that is full goes on where it ended, whatever part that is in', async () => {
  await using store = await longRecord()
  const filter = { type: 'broker.stopped' } as const
  const found: number[] = []
  let cursor: string | undefined
  do {
    const { items, next } = await listEvents(store, filter, { limit: 2, cursor })
    found.push(...items.map(({ at }) => at - noon))
    cursor = next ?? undefined
  } while (cursor !== undefined)
  expect(found).toEqual(rare.toReversed())
})

it('an event whose number somebody has raised to the highest holds nothing up', async () => {
  await using store = await longRecord()
  await store.beside(`update audit_events set seq = ${Number.MAX_SAFE_INTEGER} where seq = 3`)
  const { items } = await listEvents(store, { type: 'broker.stopped' }, { limit: 100 })
  expect(items).toHaveLength(rare.length)
})
