/** I5 Revocation is idempotent, and "already gone" upstream counts as done. */
import { expect, test } from 'vitest'
import { rows } from '../support/database.ts'
import { revokes } from '../support/github.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until } from '../support/until.ts'

const broker = await sharedBroker()
const { github, ledger } = broker.sandbox

test('I5: a credential that its holder has ended itself counts as revoked', async () => {
  const { body: task } = await broker.open()
  const { body: minted } = await broker.mint(task)
  const headers = { Authorization: `Bearer ${minted.credential.token}`, 'User-Agent': 'test' }
  const gone = await fetch(`${github.url}/installation/token`, { method: 'DELETE', headers })
  expect(gone.status).toBe(204)
  const { body } = await broker.complete(task)
  await until(async () => (await broker.read(task)).body.leases[0].status === 'revoked')
  expect(body.status).toBe('completed')
})

test('I5: a revocation whose answer was lost is sent again, and recorded once', async () => {
  const { body: task } = await broker.open()
  const { body: minted } = await broker.mint(task)
  github.faults.add({ kind: 'reset-after-processing', on: revokes, times: 1 })
  await broker.complete(task)
  expect(ledger.find(minted.credential.token)?.revokedAt).toBeDefined()
  await until(async () => (await broker.read(task)).body.leases[0].status === 'revoked')
  const recorded = rows(broker, 'audit_events', `lease = '${minted.lease.id}' and type = 'lease.revoked'`)
  expect(recorded).toHaveLength(1)
  expect(github.requests.filter(revokes).length).toBeGreaterThan(1)
})
