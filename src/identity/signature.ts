/** Checking a token's signature on the thread that reads the token (docs/decisions/0062). */
import { constants, KeyObject, verify, type VerifyKeyObjectInput } from 'node:crypto'
import type { CryptoKey } from 'jose'

type Form = Omit<VerifyKeyObjectInput, 'key'>

/** Of RFC 7518 §3.1 and RFC 8037 §3.1: the hash, and how the signature is formed. */
const schemes: Readonly<Record<string, { hash: string | null; type: string; form?: Form }>> = {
  RS256: { hash: 'sha256', type: 'rsa' },
  RS384: { hash: 'sha384', type: 'rsa' },
  RS512: { hash: 'sha512', type: 'rsa' },
  PS256: { hash: 'sha256', form: pss(32), type: 'rsa' },
  PS384: { hash: 'sha384', form: pss(48), type: 'rsa' },
  PS512: { hash: 'sha512', form: pss(64), type: 'rsa' },
  ES256: { hash: 'sha256', form: { dsaEncoding: 'ieee-p1363' }, type: 'prime256v1' },
  ES384: { hash: 'sha384', form: { dsaEncoding: 'ieee-p1363' }, type: 'secp384r1' },
  ES512: { hash: 'sha512', form: { dsaEncoding: 'ieee-p1363' }, type: 'secp521r1' },
  EdDSA: { hash: null, type: 'ed25519' },
  Ed25519: { hash: null, type: 'ed25519' },
}

/** RFC 7518 §3.5: the salt is as long as the hash. */
function pss(saltLength: number): Form {
  return { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }
}

/** A key as Node's own `verify` takes it, and of what type it is, or on which curve. */
interface Known {
  key: KeyObject
  type: string | undefined
}

const knownKeys = new WeakMap<CryptoKey, Known>()

function knownAs(key: CryptoKey): Known {
  const known = knownKeys.get(key)
  if (known) return known
  const object = KeyObject.from(key)
  const { asymmetricKeyType, asymmetricKeyDetails } = object
  const made = { key: object, type: asymmetricKeyDetails?.namedCurve ?? asymmetricKeyType }
  knownKeys.set(key, made)
  return made
}

/**
 * Whether `signature` is one of `signingInput` under `key` by the JWS algorithm `alg`. False
 * too where the key is not one for that algorithm. Web Crypto would take turns of other threads.
 */
export function isSignedBy(key: CryptoKey, alg: string, signingInput: string, signature: Buffer): boolean {
  const scheme = schemes[alg]
  const known = knownAs(key)
  if (!scheme || scheme.type !== known.type) return false
  // With parameters, even with none, Node takes twice as long.
  const under = scheme.form ? { key: known.key, ...scheme.form } : known.key
  return verify(scheme.hash, Buffer.from(signingInput), under, signature)
}
