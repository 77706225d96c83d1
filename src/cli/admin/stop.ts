/** What `admin revoke` and `admin contain` share: how an order is given, and what is told of it. */
import type { Command } from 'commander'
import type { Fence, OrderRevocation, Revocation } from '../../client/client.ts'
import { leaseLine } from '../describe.ts'
import { Failure } from '../failure.ts'
import {
  caOption,
  connect,
  seconds,
  lostSealKeyHelp,
  knownUrlOption,
  withConfiguration,
  withJson,
} from '../options.ts'
import { loadBrokers } from '../node.ts'
import { count } from '../print.ts'
import { adminToken, withAdminToken } from './options.ts'

export interface StopOptions {
  url?: string
  ca?: string
  tokenFile?: string
  json?: boolean
  reason: string
  offline?: boolean
  config: string
  within: number
  lostSealKey?: boolean
}

/** What only `--offline` takes, as the parser calls it and as it is written. */
const offlineOnly = [
  ['config', 'config'],
  ['within', 'within'],
  ['lostSealKey', 'lost-seal-key'],
] as const

export const offlineHelp = `With --offline it is done here, in the place of a broker that cannot run or
cannot be reached: with the configuration's store, seal keys and upstreams
alone, without HTTP or any issuer, and whatever else the configuration has
wrong. No broker may be running on the store. Run it as the broker's own user.
What is overdue is ended too. The record names the user who ran it.
A store that another seal key wrote is left alone, unless --lost-seal-key is
given.`

export function withStopping(command: Command): Command {
  const stopping = withAdminToken(withJson(command).addOption(knownUrlOption()).addOption(caOption()))
    .requiredOption('--reason <text>', 'why; goes on record')
    .option('--offline', 'break glass: without a broker')
    .option('--within <seconds>', 'with --offline: how long upstreams that fail are tried again', seconds, 60)
    .option('--lost-seal-key', `with --offline: ${lostSealKeyHelp}`)
  return withConfiguration(stopping)
}

/** The order carried out, what stood in the way, and what to do where something is not dead yet. */
export interface Stopped {
  outcome: Revocation
  obstacles: string[]
  next: string
}

export async function stop(
  options: StopOptions,
  order: Omit<OrderRevocation, 'reason'>,
  command: Command,
): Promise<Stopped> {
  const { url, ca, reason, config, within, offline, lostSealKey = false } = options
  if (offline) {
    // Loaded only now: it is most of the broker.
    const { revokeWithoutBroker } = await loadBrokers('`--offline`', () => import('./offline.ts'))
    const done = await revokeWithoutBroker(
      config,
      { ...order, reason },
      { patienceMs: within * 1000, isKeyLost: lostSealKey, command: command.name() },
    )
    return { ...done, next: 'Run this again, or start the broker: either goes on revoking them.' }
  }
  for (const [option, name] of offlineOnly)
    if (command.getOptionValueSource(option) === 'cli') command.error(`error: --${name} is for --offline`)
  if (url === undefined)
    command.error("error: required option '--url <url>' not specified (env: MAYFLY_URL), nor --offline")
  const outcome = await connect({ url, ca }).revoke(await adminToken({ ...options, url }), {
    ...order,
    reason,
  })
  const next = 'The broker goes on revoking them. Run this again to see how they stand.'
  return { outcome, obstacles: [], next }
}

/** @throws Failure where a credential may still work. */
export function requireDead({ outcome, obstacles, next }: Stopped): void {
  const alive = outcome.pending + outcome.irrevocable
  if (alive > 0)
    throw new Failure(
      'not_revoked',
      `${alive} of ${count(outcome.matched, 'lease')} may still work upstream`,
      next,
      { particulars: obstacles },
    )
}

export function summary({
  id,
  tasks,
  matched,
  revoked,
  pending,
  irrevocable,
  leases,
  fence,
}: Revocation): string[] {
  const kept = fence ? [`  ${fenceLine(fence)}`] : []
  if (tasks.length === 0 && matched === 0)
    return [`${id}: nothing matched: no task was open, no credential alive`, ...kept]
  return [
    `${id}: ended ${count(tasks.length, 'task')}; ${count(matched, 'lease')} matched: ${revoked} over, ${pending} pending, ${irrevocable} irrevocable`,
    ...kept,
    ...leases.map((lease) => `  ${leaseLine(lease)}`),
  ]
}

export function fenceLine({ id, selector, until }: Pick<Fence, 'id' | 'selector' | 'until'>): string {
  return `${id} keeps out ${selectorText(selector)}${until === null ? '' : ` until ${until}`}`
}

export function selectorText(selector: Fence['selector']): string {
  const [[kind, value]] = Object.entries(selector) as [[string, unknown]]
  if (value === true) return kind
  return `${kind} ${typeof value === 'string' ? value : JSON.stringify(value)}`
}
