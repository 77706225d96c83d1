/**
 * Whether a public key can be believed. A signature that verifies proves nothing where
 * anybody could have made it: such a key is left out of its issuer's set as if it were not there.
 */
import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import type { JWK } from 'jose'

/** A public key for signatures whose private half cannot be computed, or done without, as far as can be seen from here. */
export function isUsable(jwk: unknown): jwk is JWK {
  if (typeof jwk !== 'object' || jwk === null) return false
  // A published private key signs for everybody.
  if ('d' in jwk || ('use' in jwk && jwk.use !== 'sig')) return false
  let key: KeyObject
  try {
    key = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' })
  } catch {
    return false
  }
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return isStrongRsa(key)
    case 'ed25519':
      return !isSmallOrder(fromLittleEndian((jwk as JWK).x!))
    // OpenSSL has refused a point off its curve; those of NIST have no small subgroups.
    default:
      return key.asymmetricKeyType === 'ec'
  }
}

/** RFC 7518 §3.3 asks for 2,048 bits; the exponents are those of FIPS 186-5 §5.4. */
function isStrongRsa(key: KeyObject): boolean {
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {}
  if (modulusLength < 2048) return false
  // With 3, and padding that is checked carelessly somewhere, signatures can be forged (CVE-2006-4339).
  if (publicExponent < 65_537n || publicExponent >= 2n ** 256n || publicExponent % 2n === 0n) return false
  const modulus = BigInt(`0x${Buffer.from(key.export({ format: 'jwk' }).n!, 'base64url').toString('hex')}`)
  return !hasSmallFactor(modulus) && !isRoca(modulus) && !hasCloseFactors(modulus)
}

/** All primes up to 701, the 126 whose product RSALib built its 2,048-bit keys around. */
const primes = [...Array(702).keys()].filter(
  (n) => n > 1 && [...Array(n).keys()].every((d) => d < 2 || n % d > 0),
)

function hasSmallFactor(modulus: bigint): boolean {
  return primes.some((prime) => modulus % BigInt(prime) === 0n)
}

/**
 * What 65537 generates modulo each of the primes. RSALib (CVE-2017-15361) took its primes as
 * `k * M + (65537 ** a % M)`, M being the product of `primes`: modulo each of them such a prime,
 * and so a product of two, is a power of 65537.
 */
const powers = primes.map((prime) => {
  const generated = new Set([1 % prime])
  for (let power = 65_537 % prime; !generated.has(power); power = (power * 65_537) % prime)
    generated.add(power)
  return generated
})

/** A modulus of any other make passes for one of RSALib's once in about 2^150. */
function isRoca(modulus: bigint): boolean {
  return primes.every((prime, index) => powers[index]!.has(Number(modulus % BigInt(prime))))
}

/** What squares leave modulo 5040. Of other numbers one in twenty-six does: for the rest no root is needed to tell. */
const squares = new Set([...Array(5040).keys()].map((n) => n ** 2 % 5040))

/** Fermat's method finds in its first steps what lies close to the root (CVE-2022-26320). */
function hasCloseFactors(modulus: bigint): boolean {
  let middle = root(modulus)
  if (middle * middle < modulus) middle += 1n
  for (let step = 0; step < 100; step += 1, middle += 1n) {
    const square = middle * middle - modulus
    if (squares.has(Number(square % 5040n)) && root(square) ** 2n === square) return true
  }
  return false
}

/** The integer square root, by Newton's method. */
function root(n: bigint): bigint {
  if (n < 2n) return n
  let guess = 1n << BigInt((n.toString(2).length + 1) >> 1)
  for (;;) {
    const next = (guess + n / guess) >> 1n
    if (next >= guess) return guess
    guess = next
  }
}

const p = 2n ** 255n - 19n
/** The curve is `-x² + y² = 1 + d x² y²` (RFC 8032 §5.1). */
const d = 37095705934669439343138083508754565189542113879843219016388785533085940283555n

/**
 * Whether an encoded point of Ed25519 has an order of 8 or less: with such a key one signature
 * fits every message. Order 1, 2 and 4 have the y of 1, -1 and 0. A point of order 8 doubles to
 * one of order 4, whose y is 0: so `x² = -y²`, and with the curve's equation `d y⁴ + 2 y² = 1`.
 */
function isSmallOrder(encoded: bigint): boolean {
  // The highest bit is x's sign, which does not matter here. A y of p or more is a second spelling of a small one.
  const y = BigInt.asUintN(255, encoded) % p
  const square = (y * y) % p
  return y === 0n || y === 1n || y === p - 1n || (d * square * square + 2n * square) % p === 1n
}

function fromLittleEndian(base64url: string): bigint {
  return BigInt(`0x${Buffer.from(base64url, 'base64url').reverse().toString('hex')}`)
}
