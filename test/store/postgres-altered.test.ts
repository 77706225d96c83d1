/** What somebody else alters in a PostgreSQL database, once the broker has changed it: as in a SQLite file (`guard.test.ts`). */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Beside, besideOn } from '../support/beside.ts'
import { embeddedServer, type PostgresServer, serverTakesMs } from '../support/postgres-server.ts'
import { aTask, noon, put, putLeases } from '../support/store.ts'

let server: PostgresServer
beforeAll(async () => {
  server = await embeddedServer()
}, serverTakesMs)
afterAll(() => server[Symbol.asyncDispose](), serverTakesMs)

const opens = (store: Beside) => store.unit.write((tx) => put(store, tx, aTask()))

/** Alters what is in the table, has the broker do something, and puts all rows of the table back as they were before. */
async function around(store: Beside, table: string, alter: string, doing: () => Promise<unknown>) {
  await store.beside(`create schema kept; create table kept.rows as select * from ${table}`)
  await store.beside(alter)
  await doing()
  expect(store.store.intrusion.doubts).toEqual([])
  await store.beside(`delete from ${table}; insert into ${table} select * from kept.rows`)
}

it('a task that was ended cannot be put back as it was', async () => {
  await using store = await besideOn(await server.database())
  const { id } = await opens(store)
  await around(store, 'tasks', "update tasks set purpose = 'other'", () =>
    store.unit.write((tx) => store.tasks.end(tx, id, 'revoked', 'revoked', noon)),
  )
  await expect(opens(store)).rejects.toHaveProperty('code', 'unavailable')
})

it('a count under another key is not taken for none, nor counted on once it is put back', async () => {
  await using store = await besideOn(await server.database())
  await putLeases(store, {}, {})
  const whose = { agent: 'refactor-bot' }
  const live = (how: 'read' | 'write') =>
    store.unit[how](async (tx) => (await store.leases.countUnfinished(tx, whose, 'none')).agent)
  await around(store, 'counts', "update counts set key = 'x' || key", async () => {
    expect([await live('write'), await live('read')]).toEqual([2, 2])
    await putLeases(store, {})
    expect([await live('write'), await live('read')]).toEqual([3, 3])
  })
  await expect(opens(store)).rejects.toHaveProperty('code', 'unavailable')
})
