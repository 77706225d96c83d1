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
