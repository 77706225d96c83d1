/** Where the record is read: in the configuration's store, or through a broker. */
import { type Command, Option } from 'commander'
import { eventTypes } from '../../audit/event.ts'
import type { AuditEvent, Lists } from '../../client/client.ts'
import { largestPage } from '../../base/page.ts'
import { adminToken, withAdminToken } from '../admin/options.ts'
import { caOption, connect, time, urlOption, withJson } from '../options.ts'

export type RecordQuery = Omit<Lists['audit']['query'], 'limit' | 'cursor' | 'order'>

export interface RecordOptions {
  config?: string
  url?: string
  ca?: string
  tokenFile?: string
  json?: boolean
}

export interface FilterOptions extends Omit<RecordQuery, 'request_id'> {
  request?: string
}

/** A part of the record, and what it takes to go on. */
export interface RecordPage {
  items: AuditEvent[]
  next: string | null
}

export interface RecordSource {
  page(query: Lists['audit']['query']): Promise<RecordPage>
  /** @throws BrokerProblem | BrokerError `not_found` */
  event(seq: number): Promise<AuditEvent>
  close: () => Promise<void>
}

export const sourceHelp = `The record is read in the store of a configuration (-c, mayfly.yaml unless a
broker is named), beside a running broker or without one; or through a broker
(--url, MAYFLY_URL), with the token of an admin who may "read".`

export function withSource(command: Command): Command {
  return withAdminToken(withJson(command).addOption(urlOption()).addOption(caOption())).option(
    '-c, --config <file>',
    'the configuration in whose store the record is; comes before --url',
  )
}

export function withFilters(command: Command): Command {
  return command
    .option('--since <time>', 'not before this time, as 2026-12-01T08:00:00Z', time)
    .option('--until <time>', 'before this time', time)
    .addOption(new Option('--type <type>', 'of this type').choices(eventTypes))
    .option('--agent <name>', 'about this agent')
    .option('--owner <owner>', 'about what this owner answered for')
    .option('--actor <actor>', 'done by this actor, as agent:NAME, admin:ISSUER:SUBJECT or broker')
    .option('--task <id>', 'about this task')
    .option('--lease <id>', 'about this lease')
    .option('--fingerprint <fingerprint>', 'about the credential that upstream calls so')
    .option('--request <id>', 'that came of this request, by its X-Request-Id')
    .option(
      '--run <run>',
      'about this run or session, by a claim that names it: NAME=VALUE as run_id=123, or the value alone',
    )
}

export function queryOf(options: FilterOptions): RecordQuery {
  const { since, until, type, agent, owner, actor, task, lease, fingerprint, run, request } = options
  const equal = { type, agent, owner, actor, task, lease, fingerprint, run, request_id: request }
  return { since, until, ...equal }
}

/** @throws Failure */
export async function openSource(options: RecordOptions): Promise<RecordSource> {
  const { config, url, ca } = options
  if (config === undefined && url !== undefined) {
    const client = connect({ url, ca })
    const identity = await adminToken({ ...options, url })
    return {
      page: (query) => client.list(identity, 'audit', query),
      event: (seq) => client.event(identity, seq),
      close: () => Promise.resolve(),
    }
  }
  // Loaded only now: it is most of the broker.
  const { openStoreSource } = await import('./store-source.ts')
  return await openStoreSource(config ?? 'mayfly.yaml')
}

/** All that match, a page at a time. */
export async function* pagesOf(
  source: RecordSource,
  query: RecordQuery,
  order: 'newest' | 'oldest',
  most = Infinity,
): AsyncGenerator<RecordPage> {
  let [cursor, left]: [string | undefined, number] = [undefined, most]
  do {
    const limit = String(Math.min(largestPage, left))
    const page = await source.page({ ...query, order, limit, cursor })
    yield page
    left -= page.items.length
    cursor = page.next ?? undefined
  } while (cursor !== undefined && left > 0)
}
