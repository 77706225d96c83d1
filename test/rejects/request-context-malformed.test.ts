import { test } from 'vitest'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()

test.each([
  ['no object', ['a']],
  ['not flat', { a: { b: 'c' } }],
  ['not of strings', { a: 1 }],
  ['too long', { a: 'x'.repeat(1001) }],
  ['of too many fields', Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`f${index}`, 'x']))],
  ['with an empty name', { '': 'x' }],
])('a context that is %s is refused', async (_what, context) => {
  expectRefusal(await broker.open({ context }), 400, 'invalid_request')
})
