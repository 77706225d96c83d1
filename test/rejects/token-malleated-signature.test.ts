import { expect, test } from 'vitest'
import { trusting } from '../support/trust.ts'

/** The order of P-256: with (r, s), (r, n - s) is a valid signature too. */
const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

function malleate(token: string): string {
  const [header, payload, signature = ''] = token.split('.')
  const bytes = Buffer.from(signature, 'base64url')
  const s = n - BigInt(`0x${bytes.subarray(32).toString('hex')}`)
  const other = Buffer.concat([bytes.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex')])
  return `${header}.${payload}.${other.toString('base64url')}`
}

test.each([{}, { jti: undefined }])(
  'a token with its signature re-encoded is the same token: %j',
  async (claims) => {
    await using broker = await trusting()
    const token = broker.issuer.token(claims)
    const other = malleate(token)
    expect(other).not.toBe(token)
    const [one, two] = [await broker.verify(token), await broker.verify(other)]
    expect(two.replayKey).toBe(one.replayKey)
  },
)
