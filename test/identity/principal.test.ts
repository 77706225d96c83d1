import { expect, test } from 'vitest'
import { recordedPrincipal } from '../../src/identity/principal.ts'
import { trusting } from '../support/trust.ts'

test('a principal read back from the store is the one that was recorded', async () => {
  await using broker = await trusting()
  const { principal } = await broker.verify(broker.issuer.token({ groups: ['a'] }))
  const row: unknown = JSON.parse(JSON.stringify(principal))
  expect(recordedPrincipal(row as Parameters<typeof recordedPrincipal>[0])).toEqual(principal)
})
