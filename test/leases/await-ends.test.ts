/** What another broker is said to be ending, where the store does not tell what becomes of it. */
import { expect, test } from 'vitest'
import { BrokerError } from '../../src/base/errors.ts'
import { awaitEnds } from '../../src/leases/await-ends.ts'
import type { Lease } from '../../src/leases/lease.ts'
import { retire } from '../../src/leases/retire.ts'
import { type Core, startCore } from '../support/lease-core.ts'

/** On its way out, and said to be another's. */
async function leaving(core: Core): Promise<Lease> {
  const { lease } = await core.minted()
  await core.context.unit.write((tx) =>
    retire(core.context, tx, { id: lease.id }, { reason: 'a test', actor: 'broker' }),
  )
  return { ...(await core.lease(lease.id)), elsewhere: true }
}

test.each<[string, () => Promise<never>]>([
  ['fails', () => Promise.reject(new BrokerError('unavailable', 'the store is away'))],
  ['does not answer', () => new Promise(() => undefined)],
])('a store that %s holds up no end: it is ended here (I4)', async (_how, find) => {
  await using core = await startCore()
  const elsewhere = [await leaving(core), await leaving(core)]
  const { unit } = core.context
  const awaiting = awaitEnds({ ...core.context, unit: { ...unit, find } }, elsewhere)
  await core.clock.advance(1_000)
  await awaiting
  expect(core.upstream.working()).toEqual([])
  for (const { id } of elsewhere) expect(await core.lease(id)).toHaveProperty('status', 'revoked')
})

test('what became this broker’s is ended here at once, and what is over not again', async () => {
  await using core = await startCore()
  const [left, over] = [await leaving(core), await leaving(core)]
  await core.revoker.revoke(over)
  await awaitEnds(core.context, [over, left])
  expect(core.upstream.calls).toEqual([[over.id], [left.id]])
})

test('what is ended here because the other was slow need not be waited for once somebody else has ended it', async () => {
  await using core = await startCore()
  const lease = await leaving(core)
  const { unit } = core.context
  let isEnded = false
  const find = <T>(): Promise<T> =>
    Promise.resolve((isEnded ? { ...lease, status: 'revoked' } : lease) as unknown as T)
  let begun = 0
  const revoke = () => {
    begun += 1
    return new Promise<never>(() => undefined)
  }
  const revoker = { isUnderWay: () => false, revoke } as unknown as Core['revoker']
  let isOver = false
  const awaiting = awaitEnds({ ...core.context, revoker, unit: { ...unit, find } }, [lease]).then(
    () => (isOver = true),
  )
  for (let ms = 0; ms < 5_000; ms += 100) await core.clock.advance(100)
  expect([begun, isOver]).toEqual([1, false])
  isEnded = true
  await core.clock.advance(400)
  await awaiting
})
