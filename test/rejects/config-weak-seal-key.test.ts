import { expect, it } from 'vitest'
import { load, onlyFault } from '../support/installation.ts'

it.each([
  ['of 31 bytes', Buffer.alloc(31, 7).toString('base64')],
  ['in hex', Buffer.alloc(32, 7).toString('hex')],
  ['that is a passphrase', 'correct horse battery staple, and then some more of it'],
])('a seal key %s is refused, and not repeated', async (_what, key) => {
  const loaded = await load({ 'seal.key': key })
  expect(onlyFault(loaded)).toMatchObject({
    path: 'seal.keys[0].secret',
    remedy: 'Make a key with: openssl rand -base64 32',
  })
  expect(JSON.stringify(loaded.faults)).not.toContain(key)
})

it('an empty one is refused', async () => {
  expect(onlyFault(await load({ 'seal.key': '\n' })).message).toBe('the file is empty')
})
