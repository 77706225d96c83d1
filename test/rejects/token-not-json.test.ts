import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'
import { encodePart } from '../support/issuer.ts'

const payloads: [string, Buffer][] = [
  ['a byte order mark', Buffer.from('\ufeff{}')],
  ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
  ['an array', Buffer.from('[]')],
  ['null', Buffer.from('null')],
  ['a comment', Buffer.from('{/**/}')],
  ['nothing', Buffer.from('')],
]

test.each(payloads)('a payload with %s is refused', async (_what, payload) => {
  await using broker = await trusting()
  const token = `${encodePart(broker.issuer.header())}.${payload.toString('base64url')}.AAAA`
  await expect(broker.verify(token)).rejects.toMatchObject(refused('a payload that is not'))
})
