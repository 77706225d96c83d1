/** A database from before there were fences. */
import { sql } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import { chainable, link } from '../../src/audit/chain.ts'
import { auditTrail } from '../../src/store/audit.ts'
import { fences } from '../../src/store/fences.ts'
import { tasksLeasesAudit } from '../../src/store/migrations/0001-tasks-leases-audit.ts'
import { openSqlite } from '../../src/store/sqlite.ts'
import { tables } from '../../src/store/tables.ts'
import { createDatabase, temporaryPath } from '../support/sqlite.ts'
import { noon, sound, testSeal } from '../support/store.ts'
import { verifyAudit } from '../../src/audit/verify.ts'

test('a suspension becomes a fence that is as it was ordered, and can be lifted', async () => {
  const { path, remove } = await temporaryPath()
  onTestFinished(remove)
  const seal = testSeal()
  const trail = auditTrail()
  const ordered = {
    at: noon,
    actor: 'admin:okta:ada',
    agent: 'refactor-bot',
    data: { reason: 'odd behaviour' },
  } as const

  await createDatabase(path, { '0001-tasks-leases-audit': tasksLeasesAudit }, async (db) => {
    await sql`insert into suspensions values ('refactor-bot', 'okta:ada', 'odd behaviour', ${noon})`.execute(
      db,
    )
    const { data, ...event } = link(seal, { seq: 0, mac: '' }, [
      chainable({ ...ordered, type: 'agent.suspended' }),
    ])[0]!
    const { seq, mac } = event
    const head = seal.mac('audit head', `${seq}:${mac}`)
    await db
      .insertInto('audit_events')
      .values({ ...event, data: JSON.stringify(data) })
      .execute()
    await sql`insert into audit_head values (1, ${seq}, ${mac}, ${head.key}, ${head.mac})`.execute(db)
  })

  const after = await openSqlite(path, seal)
  onTestFinished(() => after.close())
  const found = await after.unit.read((tx) => fences.find(tx, {}))
  expect(found).toMatchObject([
    {
      selector: { agent: 'refactor-bot' },
      by: 'okta:ada',
      reason: 'odd behaviour',
      at: noon,
      until: null,
    },
  ])
  const verify = () => after.unit.read((tx) => verifyAudit(tx, { trail, tables, seal }))
  expect((await verify()).discrepancies).toEqual([])

  await after.unit.write(async (tx) => {
    const { id: fence, selector } = sound(found[0]!)
    await fences.remove(tx, fence)
    trail.record(tx, { ...ordered, type: 'fence.lifted', data: { fence, selector } })
    trail.record(tx, { ...ordered, type: 'agent.resumed' })
  })
  expect((await verify()).discrepancies).toEqual([])
})
