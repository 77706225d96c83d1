/** Fences: what keeps out, what a store must do for them, and how those kept out are refused (docs/decisions/0014). */
import type { Clock } from '../base/clock.ts'
import { asRead, type Stored } from '../base/damage.ts'
import { BrokerError } from '../base/errors.ts'
import { isoTime } from '../base/iso-time.ts'
import { claimTexts } from '../identity/claims.ts'
import type { Principal } from '../identity/principal.ts'
import type { Session } from '../identity/session.ts'
import type { Page, PageRequest } from '../base/page.ts'
import type { Tx } from '../base/unit.ts'

/** Whom a fence keeps out: exactly one member. Issuers go by their `iss`, which no configuration can rename. */
export type FenceSelector =
  | { session: Session }
  | { agent: string }
  | { owner: string }
  | { issuer: string }
  /** A provider's type, or `TYPE/CONNECTION`: nothing is minted there. */
  | { provider: string }
  | { claim: { issuer: string; name: string; value: string } }
  | { all: true }

export const fenceKinds = ['session', 'agent', 'owner', 'issuer', 'provider', 'claim', 'all'] as const
export type FenceKind = (typeof fenceKinds)[number]

/** Who or what may not come in until it is lifted, or until its end. */
export interface Fence {
  /** `fence_…` */
  id: string
  selector: FenceSelector
  /** The agents that it was raised on: whoever owns one does not lift it. */
  agents: string[]
  /** Their own words. */
  reason: string
  /** `ISSUER:SUBJECT` */
  by: string
  /** Milliseconds since 1970. */
  at: number
  /** Milliseconds since 1970; null for one that stands until it is lifted. */
  until: number | null
}

/** By what a fence is found whose row is damaged: it keeps out until it is lifted. */
export const fenceFoundBy = ['id'] as const satisfies (keyof Fence)[]
export type StoredFence = Stored<Fence, (typeof fenceFoundBy)[number]>

export interface FenceFilter {
  id?: string
  kind?: FenceKind
}

export interface FenceStore {
  /** `key` is what it is found by, its `fenceKey`. */
  insert(tx: Tx, fence: Fence, key: string): Promise<void>
  get(tx: Tx, id: string): Promise<StoredFence | undefined>
  /** Whether there are any at all: mostly there are none, and nothing more is to be found out. */
  any(tx: Tx): Promise<boolean>
  /** Those found by one of `keys`, the oldest first. */
  byKeys(tx: Tx, keys: readonly string[]): Promise<StoredFence[]>
  /** In order of creation. */
  find(tx: Tx, filter: FenceFilter): Promise<StoredFence[]>
  list(tx: Tx, filter: FenceFilter, page: PageRequest): Promise<Page<StoredFence>>
  /** How many stand at `now`, of each kind. */
  countByKind(tx: Tx, now: number): Promise<{ kind: string; count: number }[]>
  /** False where there is none. */
  remove(tx: Tx, id: string): Promise<boolean>
}

/** What it takes to hold someone against the fences. */
export interface FenceContext {
  fences: FenceStore
  clock: Clock
}

/** Someone who wants in. */
export interface Approaching {
  principal: Principal
  agent: string
  /** Whoever answers for the agent, now or when the task was opened. */
  owners: readonly string[]
  /** Where something is to be minted. */
  connections: readonly { provider: string; connection: string }[]
}

export function kindOf(selector: FenceSelector): FenceKind {
  return fenceKinds.find((kind) => kind in selector)!
}

/**
 * What the fence is found by. One on a session is found by the longest of its values, which
 * says the most: whether the others are the same is looked at in what was found.
 */
export function fenceKey(selector: FenceSelector): string {
  if ('session' in selector) {
    const { issuer, claims } = selector.session
    const [name, value] = Object.entries(claims).toSorted(([, a], [, b]) => b.length - a.length)[0]!
    return claimKey(issuer, name, value)
  }
  if ('claim' in selector) return claimKey(selector.claim.issuer, selector.claim.name, selector.claim.value)
  if ('owner' in selector) return ownerKey(selector.owner)
  if ('all' in selector) return 'all'
  const [[kind, value]] = Object.entries(selector) as [[string, string]]
  return `${kind} ${value}`
}

const claimKey = (issuer: string, name: string, value: string) =>
  `claim ${JSON.stringify([issuer, name, value])}`
/** Four eyes know an owner in whatever letters too. */
const ownerKey = (owner: string) => `owner ${owner.toLowerCase()}`

function keysOf({ principal, agent, owners, connections }: Approaching): string[] {
  const { iss } = principal
  const keys = [
    'all',
    `agent ${agent}`,
    `issuer ${iss}`,
    ...owners.map(ownerKey),
    ...claimTexts(principal.claims).map(([name, text]) => claimKey(iss, name, text)),
    ...connections.flatMap(({ provider, connection }) => [
      `provider ${provider}`,
      `provider ${provider}/${connection}`,
    ]),
  ]
  return [...new Set(keys)]
}

/** Whether the principal has every claim that the selector names. */
export function isOfClaims(
  { issuer, claims }: Session,
  principal: Pick<Principal, 'iss' | 'claims'>,
): boolean {
  if (issuer !== principal.iss) return false
  const has = new Set(claimTexts(principal.claims).map((claim) => JSON.stringify(claim)))
  return Object.entries(claims).every((claim) => has.has(JSON.stringify(claim)))
}

/** Whether it stands at this moment. Of one that was altered nobody knows until when it was to stand: it stands. */
export function stands(fence: StoredFence, clock: Clock): boolean {
  return 'damaged' in fence || fence.until === null || clock.now() < fence.until
}

/** `agent_suspended` where the agent is fenced, `fenced` where a fence of another kind keeps it out. */
export async function fenceRefusal(
  context: FenceContext,
  tx: Tx,
  who: Approaching,
): Promise<BrokerError | undefined> {
  if (!(await context.fences.any(tx))) return undefined
  const found = await context.fences.byKeys(tx, keysOf(who))
  const standing = found.filter((fence) => stands(fence, context.clock) && isMeant(fence, who))
  // Of one that was altered, what it says is good enough for words.
  const said = standing.map(asRead)
  const fence = said.find(({ selector }) => 'agent' in selector) ?? said[0]
  if (!fence) return undefined
  if ('agent' in fence.selector) return new BrokerError('agent_suspended', `agent ${who.agent} is suspended`)
  const end = fence.until === null ? '' : ` until ${isoTime(fence.until)}`
  return new BrokerError('fenced', `${fence.id} keeps ${kept[kindOf(fence.selector)]} out${end}`)
}

/** A fence that was altered may have been on anyone whom its key still finds. */
function isMeant(fence: StoredFence, { principal }: Approaching): boolean {
  if ('damaged' in fence) return true
  const { selector } = fence
  return !('session' in selector) || isOfClaims(selector.session, principal)
}

const kept: Record<FenceKind, string> = {
  session: 'this session',
  agent: 'this agent',
  owner: 'the agents of this owner',
  issuer: 'this issuer',
  provider: 'whoever asks for this provider',
  claim: 'tokens with this claim',
  all: 'everyone',
}
