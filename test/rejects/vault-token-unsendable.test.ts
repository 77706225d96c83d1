import { expect, test } from 'vitest'
import { connectVault } from '../support/vault-sandbox.ts'

test.each([
  ['a line break in it', 'a-token\r\nX-Injected: 1'],
  ['a space in it', 'a token'],
  ['nothing in it', ''],
])('a token with %s stops the start, and is not quoted', (_, token) => {
  const connect = () => connectVault({ context: { secret: () => token } })
  expect(connect).toThrow('the token is not one that can be sent in a header')
})

test('a token that cannot be read stops the start', () => {
  const secret = () => {
    throw new Error('the file is not there')
  }
  expect(() => connectVault({ context: { secret } })).toThrow('the file is not there')
})
