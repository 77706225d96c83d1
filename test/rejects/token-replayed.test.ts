import { expect, test } from 'vitest'
import { useUp, type UsedTokens } from '../../src/identity/single-use.ts'
import type { Tx } from '../../src/base/unit.ts'
import { trusting } from '../support/trust.ts'

/** A store of used tokens whose answer takes a turn of the event loop, as a database's does. */
function usedTokens(): UsedTokens {
  const used = new Map<string, number>()
  return {
    async use(_tx, key, until) {
      await new Promise((resolve) => setImmediate(resolve))
      return !used.has(key) && Boolean(used.set(key, until))
    },
    forget: () => Promise.resolve(0),
  }
}
const tx = {} as Tx

test('a token that was used is refused', async () => {
  await using broker = await trusting()
  const used = usedTokens()
  const token = broker.issuer.token()
  await useUp(tx, used, await broker.verify(token))
  const again = await broker.verify(token)
  await expect(useUp(tx, used, again)).rejects.toMatchObject({ code: 'token_replayed' })
})

test('of ten uses at once, one succeeds', async () => {
  await using broker = await trusting()
  const used = usedTokens()
  const verified = await broker.verify(broker.issuer.token())
  const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => useUp(tx, used, verified)))
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
})

test('a token of an issuer that is not single use may be used again', async () => {
  await using broker = await trusting({ single_use: false })
  const used = usedTokens()
  const verified = await broker.verify(broker.issuer.token())
  await useUp(tx, used, verified)
  await expect(useUp(tx, used, verified)).resolves.toBeUndefined()
})
