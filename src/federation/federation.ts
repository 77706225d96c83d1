/** Mayfly as an OIDC issuer towards upstreams that trust it: the federation key, used for nothing else (design §10) (docs/decisions/0008). */
import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose'
import type { Clock } from '../base/clock.ts'
import { keyOf, type Place, type Seal, SealBroken } from '../base/seal.ts'
import type { Tx, Unit } from '../base/unit.ts'

/** RSA: every upstream that takes federated tokens takes RS256. */
const algorithm = 'RS256'
/** Seconds that a token of ours is good for. */
const life = 300
/** What every such token says it is about. */
const subject = 'mayfly'

/** A federation key at rest. */
export interface StoredKey {
  kid: string
  /** The private JWK, sealed. */
  sealed: string
}

export interface FederationKeyStore {
  current(tx: Tx): Promise<StoredKey | undefined>
  add(tx: Tx, key: StoredKey): Promise<void>
  /** Replaces what is sealed of the key with this `kid`. */
  replace(tx: Tx, key: StoredKey): Promise<void>
  /** Ids of the seal keys on which something hangs that grants, or keeps out. Known only where it is written. */
  sealKeysInUse(tx: Tx): Promise<string[]>
}

export interface Federation {
  /** A JWT for the upstream that expects this audience, good for five minutes. `issuer` is the broker's public URL. */
  sign(issuer: string, audience: string): Promise<string>
  /** What is published at `/.well-known/jwks.json`. */
  jwks(): Promise<{ keys: JWK[] }>
  /**
   * Seals the key with the seal key that is current, if it was sealed with another:
   * that one can be retired then. To be called at the start and after a reload.
   */
  reseal(): Promise<void>
}

const placeOf = (kid: string): Place => ({ table: 'federation_keys', column: 'sealed', row: kid })

/** The federation key of this store, made when it is first asked for: few brokers need one. */
export function createFederation(given: {
  unit: Unit
  federationKeys: FederationKeyStore
  seal: Seal
  clock: Clock
}): Federation {
  const { unit, federationKeys, seal, clock } = given
  let opening: Promise<{ kid: string; jwk: JWK; key: Awaited<ReturnType<typeof importJWK>> }> | undefined
  const open = async () => {
    const { kid, sealed } =
      (await unit.read((tx) => federationKeys.current(tx))) ?? (await create(unit, federationKeys, seal))
    const jwk = JSON.parse(seal.open(sealed, placeOf(kid))) as JWK
    return { kid, jwk, key: await importJWK(jwk, algorithm) }
  }
  const opened = () =>
    (opening ??= open().catch((error: unknown) => {
      opening = undefined
      throw error
    }))
  return {
    async sign(issuer, audience) {
      const { kid, key } = await opened()
      const now = Math.floor(clock.now() / 1000)
      return await new SignJWT()
        .setProtectedHeader({ alg: algorithm, kid, typ: 'JWT' })
        .setIssuer(issuer)
        .setSubject(subject)
        .setAudience(audience)
        .setIssuedAt(now)
        .setNotBefore(now)
        .setExpirationTime(now + life)
        .setJti(randomUUID())
        .sign(key)
    },
    async reseal() {
      await unit.write(async (tx) => {
        const stored = await federationKeys.current(tx)
        if (!stored || keyOf(stored.sealed) === seal.current) return
        const place = placeOf(stored.kid)
        let key: string
        try {
          key = seal.open(stored.sealed, place)
        } catch (error) {
          // Spoilt, it signs nothing, and whoever asks it to is told so. What needs no signature is revoked all the same (I4).
          if (error instanceof SealBroken) return
          throw error
        }
        await federationKeys.replace(tx, { kid: stored.kid, sealed: seal.seal(key, place) })
      })
    },
    async jwks() {
      const { kid, jwk } = await opened()
      return { keys: [{ kty: 'RSA', n: jwk.n!, e: jwk.e!, kid, alg: algorithm, use: 'sig' }] }
    },
  }
}

async function create(unit: Unit, federationKeys: FederationKeyStore, seal: Seal): Promise<StoredKey> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true })
  const kid = randomUUID()
  const made = { kid, sealed: seal.seal(JSON.stringify(await exportJWK(privateKey)), placeOf(kid)) }
  return await unit.write(async (tx) => {
    // Another replica may have made one meanwhile.
    const first = await federationKeys.current(tx)
    if (!first) await federationKeys.add(tx, made)
    return first ?? made
  })
}
