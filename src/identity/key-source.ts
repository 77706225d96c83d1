/** The keys of one issuer, kept as long as they may be believed (docs/decisions/0001). */
import { errors, type CryptoKey, type JWSHeaderParameters } from 'jose'
import { isBrokerError } from '../base/errors.ts'
import { fetchKeys, type FindKey, retryAfter, type KeyOrigin } from './fetch-keys.ts'

/** So long after its removal a key may still be accepted from memory. */
const freshForMs = 60_000
/** So long after they were fetched the last keys serve while the issuer gives no answer. */
const staleForMs = 600_000
/** At most once in so long an unknown `kid` causes a fetch. */
const lookAgainEveryMs = 10_000

/**
 * The one key of an issuer that a token's header names.
 *
 * @throws BrokerError as `fetchKeys` does; a jose error when no key, or more than one, matches.
 */
export type KeySource = (header: JWSHeaderParameters) => Promise<CryptoKey>

/**
 * Keeps the keys of one issuer in memory. Fetches of one issuer share one
 * flight, and know nothing of another's: a stalled issuer delays only its own tokens.
 */
export function keySource(origin: KeyOrigin): KeySource {
  const now = () => origin.clock.now()
  let held: { find: FindKey; at: number } | undefined
  let failure: { error: unknown; at: number } | undefined
  let flight: Promise<FindKey> | undefined
  let lookedAgainAt = -Infinity

  async function load(): Promise<FindKey> {
    // Counted from before the request: an answer can be as old as that.
    const at = now()
    try {
      const find = await fetchKeys(origin)
      held = { find, at }
      failure = undefined
      return find
    } catch (error) {
      failure = { error, at: now() }
      // An issuer that withdrew its keys said so; silence after that must not bring them back.
      if (!isBrokerError(error, 'unavailable')) held = undefined
      throw error
    } finally {
      flight = undefined
    }
  }

  async function refetch(): Promise<FindKey> {
    if (failure && now() - failure.at < retryAfter * 1000) throw failure.error
    return (flight ??= load())
  }

  async function current(): Promise<FindKey> {
    if (held && now() - held.at < freshForMs) return held.find
    try {
      return await refetch()
    } catch (error) {
      if (held && now() - held.at < staleForMs) return held.find
      throw error
    }
  }

  return async (header) => {
    const find = await current()
    try {
      return await find(header)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      if (!flight) {
        // Anybody can write an unknown `kid`: without this bound each forged token is a request to the issuer.
        if (now() - lookedAgainAt < lookAgainEveryMs) throw failure?.error ?? error
        lookedAgainAt = now()
      }
    }
    return (await refetch())(header)
  }
}
