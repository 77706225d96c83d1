import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'

/** The last character of an ES256 signature carries four bits that decode to nothing. */
function otherTrailingBits(token: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return token.slice(0, -1) + alphabet[alphabet.indexOf(token.at(-1) ?? '') + 1]
}

const respelt: [string, (token: string) => string][] = [
  ['altered trailing bits', otherTrailingBits],
  ['padding', (token) => `${token}==`],
  ['padding in the payload', (token) => token.replace(/\.(?=[^.]*$)/, '=.')],
  ['the standard alphabet', (token) => `${token.slice(0, token.lastIndexOf('.') + 1)}+/+/`],
  ['a trailing line break', (token) => `${token}\n`],
  ['a leading space', (token) => ` ${token}`],
]

test.each(respelt)('a valid token respelt with %s is refused', async (_what, respell) => {
  await using broker = await trusting()
  const token = broker.issuer.token()
  await broker.verify(token)
  await expect(broker.verify(respell(token))).rejects.toMatchObject(refused('not canonical base64url'))
})
