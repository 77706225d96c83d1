/** A row that no configuration could ever serve keeps the broker neither from starting nor from ending the others. */
import { afterEach, expect, test } from 'vitest'
import { beside, rows } from '../support/database.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until } from '../support/until.ts'

const broker = await sharedBroker()
const { ledger } = broker.sandbox

afterEach(async () => {
  await broker.stop()
  beside(broker, (db) => db.exec('update leases set due_at = null'))
  await broker.start()
})

test.each([
  ['handle', 'a text that no seal made', 'garbage'],
  ['handle', 'sealed with a key that never was', `gone.${'A'.repeat(60)}`],
  ['handle', 'bytes', Buffer.from([255, 0, 1])],
  ['provider', 'a kind of upstream that there never was', 'garbage'],
  ['connection', 'another than the lease was minted through', 'garbage'],
])('%s: %s', async (column, _what, value) => {
  const { body: task } = await broker.open({ ttl: 2 })
  const { body: spoilt } = await broker.mint(task)
  const { body: sound } = await broker.mint(task)
  await broker.stop()
  beside(broker, (db) =>
    db.prepare(`update leases set ${column} = ? where id = ?`).run(value, spoilt.lease.id),
  )
  await broker.start()

  await until(() => ledger.find(sound.credential.token)!.revokedAt)
  await until(() =>
    broker.log.some((line) => line.includes('a revocation failed') && line.includes(spoilt.lease.id)),
  )
  expect(rows(broker, 'leases', `id = '${spoilt.lease.id}'`)[0]!.status).toMatch(/^(revoking|irrevocable)$/)
})
