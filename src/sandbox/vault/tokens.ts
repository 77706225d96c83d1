/** Vault's token store: tokens, their accessors and their family. Rules are from OpenBao 2.6, `vault/token_store.go`. */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import type { Ledger, LedgerEntry } from '../ledger.ts'
import { capabilities } from './acl.ts'
import { denied, refusal } from './refusal.ts'
import type { Capability, VaultSettings } from './settings.ts'
import type { Standby } from './standby.ts'

/** What a token is made with. */
export interface Made {
  policies: string[]
  /** The identity that it stands for: '' is none. */
  entityId: string
  /** Undefined: it is an orphan. */
  parent?: Token | undefined
  displayName: string
  meta: Record<string, string> | null
  path: string
  /** Seconds; 0 is for ever. */
  ttl: number
  explicitMaxTtl: number
  renewable: boolean
  role?: string | undefined
}

/** A service token. */
export interface Token extends Made {
  id: string
  accessor: string
  /** Its life; in the ledger, unless it is the broker's own. */
  entry: LedgerEntry
  children: Set<Token>
  /** What is to happen when it ends. */
  onRevoke: Set<() => void>
}

export interface Tokens {
  /** `ledger: false` for the broker's own tokens, which no task is given. */
  create(made: Made, options: { ledger: boolean }): Token
  /** Whose request it is, if that token may do `needed` at `path`. @throws a refusal, 403 */
  admit(id: string | undefined, path: string, needed: Capability[]): Token
  may(token: Token, path: string, capability: Capability): boolean
  identityPolicies(token: Pick<Token, 'entityId'>): string[]
  byAccessor(accessor: string): Token | undefined
  /** The same, as far as the node that answers has heard of it. */
  heardOf(accessor: string): Token | undefined
  byId(id: string): Token | undefined
  accessors(): string[]
  /** Ends it and all that descends from it. */
  revoke(token: Token): void
}

export function createTokens({
  settings,
  standby,
  clock,
  ledger,
}: {
  settings: VaultSettings
  standby: Standby
  clock: Clock
  ledger: Ledger
}): Tokens {
  const ids = new Map<string, Token>()
  const accessors = new Map<string, Token>()

  const alive = ({ entry }: Token) => entry.revokedAt === undefined && entry.expiresAt > clock.now()
  const ifAlive = (token: Token | undefined) => (token && alive(token) ? token : undefined)
  const { knows } = standby
  /** Whether it is alive to the node that answers, which may not have heard of its end. */
  const seemsAlive = ({ entry: { revokedAt, expiresAt } }: Token) =>
    expiresAt > clock.now() && (revokedAt === undefined || !knows(revokedAt))
  const identityPolicies: Tokens['identityPolicies'] = ({ entityId }) =>
    entityId === '' ? [] : settings.jwt.identityPolicies
  const granted = (token: Token, path: string) =>
    capabilities(settings.policies, [...token.policies, ...identityPolicies(token)], path)

  const revoke = (token: Token) => {
    if (!alive(token)) return
    token.entry.revokedAt = clock.now()
    standby.changed()
    for (const child of token.children) revoke(child)
    for (const work of token.onRevoke) work()
  }

  return {
    create(made, options) {
      // Tokens and accessors of a namespace other than the root carry its id.
      const mark = settings.namespace === '' ? '' : '.nsOne1'
      const accessor = randomBytes(18).toString('base64url').replaceAll(/[-_]/g, 'x') + mark
      const id = `hvs.${randomBytes(18).toString('base64url').replaceAll(/[-_]/g, 'x')}${mark}`
      const mintedAt = clock.now()
      const expiresAt = Math.min(
        made.ttl === 0 ? Infinity : mintedAt + made.ttl * 1000,
        made.parent?.entry.expiresAt ?? Infinity,
      )
      const minted = {
        provider: 'vault',
        secret: id,
        // What Vault's audit log carries of a token, hashed.
        fingerprint: accessor,
        mintedAt,
        expiresAt,
        scope: { policies: made.policies, meta: made.meta },
      }
      const entry = options.ledger ? ledger.record(minted) : { ...minted, uses: 0, refusals: 0 }
      const token = {
        ...made,
        id,
        accessor,
        entry,
        children: new Set<Token>(),
        onRevoke: new Set<() => void>(),
      }
      ids.set(id, token)
      accessors.set(accessor, token)
      made.parent?.children.add(token)
      standby.changed()
      return token
    },

    admit(id, path, needed) {
      const token = ids.get(id ?? '')
      if (token && !knows(token.entry.mintedAt)) {
        token.entry.refusals += 1
        const { answers } = settings.standby
        throw refusal(answers, answers === 412 ? 'required index state not present' : 'permission denied')
      }
      // Dead or never there: nothing is said of it.
      if (!token || !seemsAlive(token)) {
        if (token) token.entry.refusals += 1
        throw refusal(403, 'permission denied')
      }
      // A list is found by the path with a closing slash, then without (`AllowOperation`).
      const slashed = needed.includes('list') ? granted(token, `${path}/`) : new Set()
      const has = slashed.size > 0 ? slashed : granted(token, path)
      if (!needed.every((capability) => has.has(capability))) {
        token.entry.refusals += 1
        throw denied()
      }
      token.entry.uses += 1
      return token
    },

    may: (token, path, capability) => granted(token, path).has(capability),
    identityPolicies,
    byAccessor: (accessor) => ifAlive(accessors.get(accessor)),
    heardOf(accessor) {
      const token = accessors.get(accessor)
      return token && knows(token.entry.mintedAt) && seemsAlive(token) ? token : undefined
    },
    byId: (id) => ifAlive(ids.get(id)),
    accessors: () => [...accessors.values()].filter(alive).map(({ accessor }) => accessor),
    revoke,
  }
}
