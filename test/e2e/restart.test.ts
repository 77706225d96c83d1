/** What a broker finds when it starts: leases long due, a clock that has moved, rows that are no leases. */
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { discrepancies } from '../support/audit.ts'
import type { Answer } from '../support/broker.ts'
import { manualClock } from '../support/clock.ts'
import { beside, rows } from '../support/database.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { untilNow } from '../support/until.ts'

const clock = manualClock()
const broker = await sharedBroker({
  clock,
  settings: {
    limits: {
      live_leases: { task: 500, agent: 1000 },
    },
  },
})
const { ledger } = broker.sandbox

/** An open task of `ttl` seconds with `count` credentials. */
async function holding(count: number, ttl: number) {
  const { body: task } = await broker.open({ ttl })
  for (let left = count; left > 0; left -= 50)
    await Promise.all(Array.from({ length: Math.min(left, 50) }, () => broker.mint(task)))
  return task
}

test('three hundred leases came due while nobody was there: all are revoked', async () => {
  const task = await holding(300, 60)
  expect(ledger.alive(clock.now())).toHaveLength(300)
  await broker.stop()
  await clock.advance(120_000)
  const startedAt = performance.now()
  await broker.start()

  await untilNow(clock, () => ledger.alive(clock.now()).length === 0)
  expect(performance.now() - startedAt).toBeLessThan(5_000)
  await untilNow(
    clock,
    () => rows(broker, 'leases', "status = 'revoked' and evidence is not null").length === 300,
  )
  expect((await broker.read(task)).body).toMatchObject({ status: 'expired', end_reason: 'deadline' })
  expect(rows(broker, 'leases', 'handle is not null or due_at is not null')).toEqual([])
  expect(await discrepancies(broker)).toEqual([])
}, 30_000)

test('a task that is not over goes on after a restart, with the same token and deadline', async () => {
  const { body: task } = await broker.open({ ttl: 600 })
  const { body: minted } = await broker.mint(task)
  await broker.stop()
  await clock.advance(300_000)
  await broker.start()
  expect(await broker.use(minted.credential.token)).toBe(200)
  expect((await broker.mint(task)).body.lease.deadline).toBe(task.expires_at)
  await clock.advance(300_000)
  await untilNow(clock, () => ledger.alive(clock.now()).length === 0)
})

test('what upstream itself has ended meanwhile is recorded as expired', async () => {
  const { body: task } = await broker.open({ ttl: 600 })
  await broker.mint(task)
  await broker.stop()
  await clock.advance(3_600_000)
  await broker.start()
  await untilNow(clock, () => rows(broker, 'leases', `task = '${task.id}'`)[0]!.status === 'expired')
})

test('a damaged row is told of, and revoked all the same where its handle is sound', async () => {
  const { body: task } = await broker.open({ ttl: 60 })
  const [garbled, stateless, tampered, sound] = await Promise.all([0, 1, 2, 3].map(() => broker.mint(task)))
  const idOf = (answer: Answer | undefined): string => answer!.body.lease.id
  await broker.stop()
  beside(broker, (db) => {
    db.prepare("update leases set detail = '{' where id = ?").run(idOf(garbled))
    db.prepare("update leases set status = 'gone' where id = ?").run(idOf(stateless))
    // A handle opens only in the row that it was sealed for.
    db.prepare('update leases set handle = (select handle from leases where id = ?) where id = ?').run(
      idOf(sound),
      idOf(tampered),
    )
  })
  await clock.advance(120_000)
  const logged = broker.log.length
  await broker.start()

  const dead = (answer: Answer | undefined) => ledger.find(answer!.body.credential.token)!.revokedAt
  // One whose state is unknown too: it falls due at its own deadline.
  await untilNow(clock, () => dead(sound) && dead(garbled) && dead(stateless))
  await untilNow(clock, () => rows(broker, 'leases', `id = '${idOf(tampered)}'`)[0]!.status === 'irrevocable')
  const said = broker.log.slice(logged).join('')
  for (const answer of [garbled, stateless, tampered]) expect(said).toContain(idOf(answer))
  expect(said).not.toContain(idOf(sound))
  const found = (await discrepancies(broker)).map(({ subject }) => subject)
  expect(found).toEqual(expect.arrayContaining([idOf(stateless), idOf(tampered)]))
  expect((await broker.open()).status).toBe(201)
})

test('a second broker on the same file does not start, and the first serves on', async () => {
  const { body: task } = await broker.open()
  const { body: minted } = await broker.mint(task)
  await expect(broker.start()).rejects.toThrow(/another broker is running/)
  expect(await broker.use(minted.credential.token)).toBe(200)
  expect((await broker.complete(task)).body.leases).toMatchObject([{ status: 'revoked' }])
})

test('a database that a newer version has written is left alone', async () => {
  await broker.stop()
  const file = join(broker.directory, 'mayfly.db')
  const newer = (sql: string) => {
    const db = new DatabaseSync(file)
    db.exec(sql)
    db.close()
  }
  newer("insert into kysely_migration values ('9999-from-the-future', '2099-01-01T00:00:00Z')")
  await expect(broker.start()).rejects.toThrow(/newer version/)
  newer("delete from kysely_migration where name = '9999-from-the-future'")
  await broker.start()
  expect((await broker.open()).status).toBe(201)
})
