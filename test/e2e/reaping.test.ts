/** On the machine's own clock: how soon after its deadline a credential is dead. */
import { expect, test } from 'vitest'
import { readWeb } from '../support/broker.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until } from '../support/until.ts'

const broker = await sharedBroker()
const { ledger } = broker.sandbox

test.concurrent.each([1, 2])(
  'a task of %i s: its credentials are dead within a second of the deadline',
  async (ttl) => {
    const { body: task } = await broker.open({ ttl })
    const minted = await Promise.all([broker.mint(task), broker.mint(task), broker.mint(task, readWeb)])
    const entries = minted.map(({ body }) => ledger.find(body.credential.token)!)
    const deadline = Date.parse(task.expires_at)
    expect(deadline - Date.parse(task.created_at)).toBe(ttl * 1000)

    await until(() => entries.every(({ revokedAt }) => revokedAt))

    for (const { revokedAt } of entries) {
      expect(revokedAt! - deadline).toBeGreaterThanOrEqual(0)
      expect(revokedAt! - deadline).toBeLessThan(1000)
    }
    await until(async () =>
      (await broker.read(task)).body.leases.every((lease: { evidence: unknown }) => lease.evidence),
    )
    expect((await broker.read(task)).body).toMatchObject({
      status: 'expired',
      leases: entries.map(() => ({ status: 'revoked', evidence: { result: 'dead' } })),
    })
  },
)

test('forty tasks that end together are all dead within a second of the deadline', async () => {
  const tasks = await Promise.all(Array.from({ length: 40 }, () => broker.open({ ttl: 2 })))
  const minted = await Promise.all(tasks.map(({ body }) => broker.mint(body)))
  const deadlines = new Map(tasks.map(({ body }) => [body.id, Date.parse(body.expires_at)]))
  const entries = minted.map(({ body }) => ({
    entry: ledger.find(body.credential.token)!,
    task: body.lease.task,
  }))

  await until(() => entries.every(({ entry }) => entry.revokedAt))

  for (const { entry, task } of entries) expect(entry.revokedAt! - deadlines.get(task)!).toBeLessThan(1000)
})
