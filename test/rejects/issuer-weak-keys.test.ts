/** Keys with which anybody could sign: a token signed with one proves nothing. */
import { checkPrimeSync, generateKeyPairSync, generatePrimeSync } from 'node:crypto'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { expect, test } from 'vitest'
import { json, keysPath } from '../support/issuer.ts'
import { refused, trusting } from '../support/trust.ts'

const primesTo701 = [...Array(702).keys()].filter(
  (n) => n > 1 && ![...Array(n).keys()].some((d) => d > 1 && n % d === 0),
)

/** As RSALib of CVE-2017-15361 made them: `k * M + (65537 ** a % M)`. */
function rocaPrime(from: bigint): bigint {
  const product = primesTo701.reduce((all, prime) => all * BigInt(prime), 1n)
  let power = 1n
  for (let k = from; ; k += 1n) {
    power = (power * 65_537n) % product
    const candidate = k * product + power
    if (checkPrimeSync(candidate)) return candidate
  }
}

function prime(bits: number): bigint {
  return generatePrimeSync(bits, { bigint: true })
}

function nextPrime(after: bigint): bigint {
  for (let candidate = after + 2n; ; candidate += 2n) if (checkPrimeSync(candidate)) return candidate
}

function base64url(n: bigint): string {
  const hex = n.toString(16)
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').toString('base64url')
}

function rsa(modulus: bigint): JWK {
  return { kty: 'RSA', n: base64url(modulus), e: 'AQAB' }
}

function exponent(publicExponent: number): JWK {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent })
  return publicKey.export({ format: 'jwk' })
}

const sound = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' })
const close = prime(1024)
const order = (y: string): JWK => ({
  kty: 'OKP',
  crv: 'Ed25519',
  x: Buffer.from(y.padEnd(64, '0'), 'hex').toString('base64url'),
})

const weak: [string, JWK][] = [
  ['RSA with the exponent 3', exponent(3)],
  ['RSA with the exponent 17', exponent(17)],
  ['RSA with an even exponent', { ...sound, e: base64url(65_538n) }],
  ['RSA with an exponent as long as the modulus', { ...sound, e: base64url(2n ** 2040n + 1n) }],
  [
    'RSA of 1,024 bits',
    generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' }),
  ],
  ['RSA of 2,047 bits', rsa(2n ** 2046n + 1n)],
  ['RSA by RSALib (ROCA)', rsa(rocaPrime(2n ** 53n) * rocaPrime(2n ** 54n))],
  ['RSA with a small factor', rsa(prime(2040) * 701n)],
  ['RSA with factors close together', rsa(close * nextPrime(close))],
  ['Ed25519 of order 1', order('01')],
  ['Ed25519 of order 2', order(`ec${'ff'.repeat(30)}7f`)],
  ['Ed25519 of order 4', order('')],
  ['Ed25519 of order 8', order('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05')],
  ['Ed25519 of order 1, spelt otherwise', order(`ee${'ff'.repeat(30)}7f`)],
]

test.each(['RS256', 'ES256', 'EdDSA'])('a sound key for %s is one', async (alg) => {
  await using broker = await trusting()
  const { privateKey, publicKey } = await generateKeyPair(alg)
  broker.issuer.published.push({ ...(await exportJWK(publicKey)), kid: 'sound', alg })
  const token = await new SignJWT(broker.issuer.claims())
    .setProtectedHeader({ typ: 'JWT', alg, kid: 'sound' })
    .sign(privateKey)
  await expect(broker.verify(token)).resolves.toMatchObject({ principal: { issuer: 'acme' } })
})

test.each(weak)('%s is no key to verify with', async (_what, jwk) => {
  await using broker = await trusting()
  broker.issuer.answers.set(keysPath, (_request, response) => json(response, { keys: [jwk] }))
  await expect(broker.verify(broker.issuer.token())).rejects.toMatchObject(
    refused('issuer acme: its key set has no usable key'),
  )
})
