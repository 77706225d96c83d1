/** I2 Nothing leaves unrecorded: who sees a credential sees it after its lease is durable, with its sealed handle. */
import { expect, test } from 'vitest'
import { refuseWrites, rows } from '../support/database.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until } from '../support/until.ts'

const broker = await sharedBroker()
const { ledger } = broker.sandbox
const mints = ({ path }: { path: string }) => path.endsWith('/access_tokens')

test('I2: a delivered credential has an active lease, whose handle is sealed', async () => {
  const { body: task } = await broker.open()
  const { body: minted } = await broker.mint(task)
  const [row] = rows(broker, 'leases', `id = '${minted.lease.id}'`)
  expect(row).toMatchObject({ status: 'active', handle: expect.stringMatching(/^k1\./) })
  expect(row!.fingerprint).toBe(ledger.find(minted.credential.token)!.fingerprint)
  expect(row!.handle).not.toContain(minted.credential.token)
})

test.each(['update on leases', "insert on audit_events when new.type = 'lease.minted'"])(
  'I2: where the record fails (%s), the credential is dead and the client gets an error',
  async (event) => {
    const { body: task } = await broker.open()
    const before = ledger.entries.length
    // Once the intent is on record: with a trigger of somebody else's there would be none.
    const healed = Promise.withResolvers<() => void>()
    const rewrite = (body: unknown) => {
      healed.resolve(refuseWrites(broker, event))
      return body
    }
    broker.sandbox.github.faults.add({ kind: 'rewrite', rewrite, on: mints, times: 1 })
    expectRefusal(await broker.mint(task), 503, 'unavailable')
    await until(() => ledger.entries[before]?.revokedAt)
    expect(ledger.entries[before]!.uses).toBe(0)
    expect(ledger.entries).toHaveLength(before + 1)
    ;(await healed.promise)()
    await until(async () => (await broker.read(task)).body.leases[0].status === 'failed')
    expect(rows(broker, 'leases', `task = '${task.id}'`)).toMatchObject([{ handle: null }])
  },
)
