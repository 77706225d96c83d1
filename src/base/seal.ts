/**
 * Secrets at rest (invariant I7). One root key per id, from outside the
 * database; what it is used for is derived from it, so no key serves two ends.
 */
import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { Hmac } from './hmac.ts'
import { pooledRandomBytes } from './random.ts'

export interface SealKey {
  /** Names the key in what it sealed; no dot in it. */
  id: string
  /** 32 bytes. */
  secret: Buffer
}

/** Where a sealed value stands. It opens nowhere else. */
export interface Place {
  table: string
  column: string
  row: string
}

/** A MAC and the id of the key that made it. */
export interface Mac {
  key: string
  /** 32 bytes, base64url. */
  mac: string
}

/** A value that no configured key opens at this place: moved, altered, or its key is gone. */
export class SealBroken extends Error {
  constructor(place: Place) {
    super(`${place.table}.${place.column} of ${place.row} does not open with any configured seal key`)
    this.name = 'SealBroken'
  }
}

/** The store is under another seal key than those that are configured. Nothing was done. */
export class OtherSealKey extends Error {
  /** What to do about it, one line. */
  readonly remedy =
    'Put the key that wrote it under `seal.keys`. If that is lost for good, or somebody has spoilt all that tells, stop all brokers: with --lost-seal-key, `mayfly admin revoke --offline`, `mayfly admin contain --offline` and `mayfly store accept` go on all the same.'

  /** `isConfigured`: a key goes by this id, but nothing in the store is under it. */
  constructor(id: string, { isConfigured }: { isConfigured: boolean }) {
    super(
      isConfigured
        ? `nothing in the store is under the seal key that is configured as ${id}: another key wrote it`
        : `the store is under the seal key ${id}, which is not configured`,
    )
    this.name = 'OtherSealKey'
  }
}

export interface Seal {
  /** The id of the key that seals from now on. */
  readonly current: string
  /** AES-256-GCM with a fresh nonce, bound to `place` and to the key's id. */
  seal(plain: string, place: Place): string
  /** @throws SealBroken */
  open(sealed: string, place: Place): string
  /** HMAC-SHA-256 under the first key, or the named one, derived for `purpose`. @throws Error when no such key is configured. */
  mac(purpose: string, data: string, keyId?: string): Mac
  /** Another one with each set of keys: what was worked out under a set holds for as long as it is the one in force. */
  readonly keys: object
  /** Whether the key `id` is configured. */
  has(id: string): boolean
  /** Uses these keys from now on. */
  rekey(keys: readonly SealKey[]): void
}

const cipher = 'aes-256-gcm'
const nonceBytes = 12
const tagBytes = 16

/** The id of the key that sealed this; undefined for what no seal has made, whatever a row holds. */
export function keyOf(sealed: string): string | undefined {
  return /^([^.]+)\.[\w-]{38,}$/.exec(sealed)?.[1]
}

/** The first key seals; all of them unseal. @throws Error when there is none. */
export function createSeal(keys: readonly SealKey[]): Seal {
  let current: string
  let roots: ReadonlyMap<string, Buffer>
  // As key objects: of a key that is bytes, Node makes one at each use.
  const cipherKeys = new Map<string, KeyObject>()
  const hmacs = new Map<string, Hmac>()

  const rekey = (given: readonly SealKey[]) => {
    const [first] = given
    if (!first) throw new Error('a seal needs at least one key')
    current = first.id
    roots = new Map(given.map((key) => [key.id, key.secret]))
    cipherKeys.clear()
    hmacs.clear()
  }
  rekey(keys)

  const derive = (id: string, purpose: string): Buffer => {
    const root = roots.get(id)
    if (!root) throw new Error(`the seal key ${id} is not configured`)
    return Buffer.from(hkdfSync('sha256', root, '', `mayfly ${purpose}`, 32))
  }
  const cipherKey = (id: string): KeyObject => {
    let key = cipherKeys.get(id)
    if (!key) cipherKeys.set(id, (key = createSecretKey(derive(id, 'seal'))))
    return key
  }
  const hmac = (id: string, purpose: string): Hmac => {
    const name = `${id}.${purpose}`
    let known = hmacs.get(name)
    if (!known) hmacs.set(name, (known = new Hmac(derive(id, purpose))))
    return known
  }
  const binding = (id: string, place: Place) =>
    Buffer.from(JSON.stringify([id, place.table, place.column, place.row]))

  return {
    rekey,
    get current() {
      return current
    },
    get keys() {
      return roots
    },
    seal(plain, place) {
      const nonce = pooledRandomBytes(nonceBytes)
      const sealing = createCipheriv(cipher, cipherKey(current), nonce)
      sealing.setAAD(binding(current, place))
      const body = Buffer.concat([
        nonce,
        sealing.update(plain, 'utf8'),
        sealing.final(),
        sealing.getAuthTag(),
      ])
      return `${current}.${body.toString('base64url')}`
    },
    open(sealed, place) {
      try {
        const dot = sealed.indexOf('.')
        const id = sealed.slice(0, dot)
        const body = Buffer.from(sealed.slice(dot + 1), 'base64url')
        const opening = createDecipheriv(cipher, cipherKey(id), body.subarray(0, nonceBytes), {
          // Otherwise Node takes a tag of four bytes for a tag, and that many can be guessed.
          authTagLength: tagBytes,
        })
        opening.setAAD(binding(id, place))
        opening.setAuthTag(body.subarray(-tagBytes))
        return opening.update(body.subarray(nonceBytes, -tagBytes), undefined, 'utf8') + opening.final('utf8')
      } catch {
        // The cause would say how far the opening got, which helps only someone who forges.
        throw new SealBroken(place)
      }
    },
    mac(purpose, data, keyId = current) {
      return { key: keyId, mac: hmac(keyId, purpose).of(data) }
    },
    has: (id) => roots.has(id),
  }
}
