/** What is due is ended before its end is on record (docs/decisions/0045). */
import { expect, test } from 'vitest'
import { startCore } from '../support/lease-core.ts'
import { verified } from '../support/store.ts'
import { untilNow } from '../support/until.ts'

test('upstream is told at the deadline, and the end of the task recorded meanwhile', async () => {
  await using core = await startCore()
  const task = await core.open({ expiresAt: core.clock.now() + 1_000 })
  const { lease } = await core.mint(task)
  const seen: string[] = []
  core.upstream.during = async () => void seen.push((await core.task(task.id)).status)
  await core.pass(1_000)
  expect(seen).toEqual(['active'])
  expect((await core.task(task.id)).status).toBe('expired')
  expect((await core.lease(lease.id)).status).toBe('revoked')
  const history = await core.history(lease.id)
  expect(history.filter((type) => type === 'lease.retired')).toHaveLength(1)
  expect(history.slice(-3)).toEqual(['lease.retired', 'lease.revoked', 'lease.evidence'])
  expect((await verified(core.store)).discrepancies).toEqual([])
})

test('what only its own expiry ends is on its way out with its task, and due again when that has come', async () => {
  await using core = await startCore()
  const task = await core.open({ expiresAt: core.clock.now() + 1_000 })
  core.upstream.revocationIs = 'expiry'
  const { lease } = await core.mint(task)
  // What is due and looked at by nobody fails here.
  await core.pass(1_000)
  expect((await core.task(task.id)).status).toBe('expired')
  const left = await core.lease(lease.id)
  expect(left).toMatchObject({ status: 'revoking', dueAt: left.upstreamExpiresAt })
  const history = await core.history(lease.id)
  expect(history.filter((type) => type === 'lease.retired')).toHaveLength(1)
})

test('one task whose end cannot be recorded keeps none of the others from ending, and its credential dies too', async () => {
  await using core = await startCore()
  const expiresAt = core.clock.now() + 1_000
  const tasks = []
  for (let count = 0; count < 12; count += 1) tasks.push(await core.open({ expiresAt }))
  for (const task of tasks) await core.mint(task)
  const [stuck, ...others] = tasks
  await core.store.beside(
    `create trigger stuck before update on tasks when old.id = '${stuck!.id}' begin select raise(abort, 'no'); end`,
  )
  await core.clock.advance(1_000)
  for (const task of others)
    await untilNow(core.clock, async () => (await core.task(task.id)).status === 'expired')
  await untilNow(core.clock, () => core.upstream.working().length === 0)
  expect((await core.task(stuck!.id)).status).toBe('active')
  await core.store.beside('drop trigger stuck')
  await core.pass(2_000)
  expect((await core.task(stuck!.id)).status).toBe('expired')
})
