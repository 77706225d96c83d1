/** The end of the record, and what else is vouched for with it: one row, under a MAC, written at each commit. */
import { type Chainable, link, sealHead } from '../audit/chain.ts'
import type { ChainedEvent, Head, StoredHead } from '../audit/event.ts'
import { type Seal, SealBroken } from '../base/seal.ts'
import type { Holder } from './holder.ts'
import type { Sums } from './row-sums.ts'
import type { Statements, StoredRow } from './statements.ts'
import { appliedMigrations } from './applied-migrations.ts'

/** The end of the record, and how often the store has been written. */
export interface CommittedHead extends Head {
  commits: number
}

/** Sealed in the head's row: with the sums in clear, rows could be looked for that add up to them. */
export interface HeadState {
  /** The id of the installation whose record this is. */
  installation: string
  /** What the first event follows. */
  origin: Head
  /** SHA-256 of the list of migrations, hex. */
  migrations: string
  /** What the schema is, where the migrations alone do not tell. */
  schema?: string | undefined
  /** Of the rows that grant; undefined where nobody can tell what they should be. */
  sums?: Sums
  /** The process that has the store, where only one can. */
  holder?: Holder | undefined
  /** By what the next transaction that writes is known, where brokers take turns. */
  next?: number | undefined
  /** How often one of those brokers has noticed that somebody else may have written: then each looks for itself. */
  noticed?: number
  /** Why the store is not to be trusted until somebody says so, whatever its rows look like by now. */
  doubts: string[]
}

const headColumns = 'id, seq, mac, key, head_mac, commits, state'
export const headRows = `select ${headColumns} from audit_head`

const place = { table: 'audit_head', column: 'state', row: '1' }

/** What stands in the head's row, as far as it can be relied on. */
export interface OpenedHead {
  head: CommittedHead
  state?: HeadState
  /** What is wrong with it; `key` is the seal key that is lacking. */
  fault?: { message: string; key?: string }
}

/** The stored head. Undefined where there is none. */
export function openHead(rows: readonly StoredRow[], seal: Seal): OpenedHead | undefined {
  const [row, ...more] = rows
  if (!row) return undefined
  const stored = storedHead(row)
  const { seq, mac, commits, key } = stored
  const head = { seq, mac, commits }
  if (more.length > 0 || row['id'] !== 1)
    return { head, fault: { message: 'there are several heads of the record, or none in its place' } }
  if (!seal.has(key))
    return {
      head,
      fault: { key, message: `the head of the record is under the seal key ${key}, which is not configured` },
    }
  const altered = { message: 'the head of the record was altered' }
  if (sealHead(seal, stored, key).mac !== stored.headMac) return { head, fault: altered }
  try {
    return { head, state: JSON.parse(seal.open(stored.state, place)) as HeadState }
  } catch (error) {
    if (error instanceof SealBroken) return { head, fault: altered }
    throw error
  }
}

/** Whether what is sealed in the head opens, whatever the rest of it says: then a key that is configured wrote it. */
export function stateOpens({ state }: StoredRow, seal: Seal): boolean {
  try {
    seal.open(String(state), place)
    return true
  } catch (error) {
    if (error instanceof SealBroken) return false
    throw error
  }
}

export function storedHead(row: StoredRow): StoredHead {
  const { seq, mac, commits, state, key, head_mac: headMac } = row
  return { seq, mac, commits, state, key, headMac } as StoredHead
}

/** What a commit makes of the head. */
export interface Written {
  head: CommittedHead
  state: HeadState
  row: StoredRow
}

/** Keeps the head of a store that is being written: what is stored counts for nothing against it. */
export class HeadKeeper {
  readonly #statements: Statements
  readonly #seal: Seal
  #head: CommittedHead
  #state: HeadState
  #row: StoredRow | undefined

  constructor(statements: Statements, seal: Seal, head: CommittedHead, state: HeadState) {
    this.#statements = statements
    this.#seal = seal
    this.#head = head
    this.#state = state
  }

  get head(): CommittedHead {
    return this.#head
  }

  get state(): HeadState {
    return this.#state
  }

  /** As it was written, or found where somebody else wrote it. */
  get row(): StoredRow | undefined {
    return this.#row
  }

  /** What somebody else has done to the head, or behind it, as one sentence each. */
  async faults(statements: Statements): Promise<string[]> {
    const { seq, mac } = this.#head
    const [own, { migrations }] = [this.#row, this.#state]
    const rows = await statements.all(headRows)
    const [newest] = await statements.all('select seq, mac from audit_events order by seq desc limit 1')
    return [
      ...(JSON.stringify(rows) === JSON.stringify([own])
        ? []
        : ['the head of the record is not as it was written']),
      ...((newest?.['seq'] ?? 0) === seq && (newest?.['mac'] ?? mac) === mac
        ? []
        : ['the record does not end where it did']),
      ...((await appliedMigrations(statements)) === migrations ? [] : ['the list of migrations was altered']),
    ]
  }

  /** Whether another broker has written the head since: it is genuine, and not ours. One that was put back is older. */
  async isTakenOver(statements: Statements): Promise<boolean> {
    const opened = openHead(await statements.all(headRows), this.#seal)
    if (!opened?.state) return false
    const { holder } = opened.state
    const another = holder !== undefined && holder.id !== this.#state.holder?.id
    return opened.head.commits > this.#head.commits && (another || holder === undefined)
  }

  /** Whether that is what stands in the head's row. */
  async isStored(statements: Statements, { row }: Written): Promise<boolean> {
    return JSON.stringify(await statements.all(headRows)) === JSON.stringify([row])
  }

  /** Writes `events` behind the head, and the head of them. It counts once `adopt` is called with the answer, after the commit. */
  async write(events: readonly Chainable[], change: Partial<HeadState> = {}): Promise<Written> {
    const chained = link(this.#seal, this.#head, events)
    for (let from = 0; from < chained.length; from += eventsAtOnce) {
      const some = chained.slice(from, from + eventsAtOnce)
      await this.#statements.run(putEvents[some.length]!, some.flatMap(eventValues))
    }
    const { seq, mac } = chained.at(-1) ?? this.#head
    const head = { seq, mac, commits: this.#head.commits + 1 }
    const state = { ...this.#state, ...change }
    const row = headRow(this.#seal, head, state)
    await this.#statements.run(putHead, Object.values(row))
    return { head, state, row }
  }

  adopt({ head, state, row }: Written): void {
    this.#head = head
    this.#state = state
    this.#row = row
  }
}

/** Whether there is a head that says what is vouched for with it: a version before row MACs has left none. */
export async function hasState(statements: Statements): Promise<boolean> {
  return (await statements.dialect.columns(statements, 'audit_head')).includes('state')
}

/** The process that the head says has the store, if it is genuine. */
export async function holderOf(statements: Statements, seal: Seal): Promise<Holder | undefined> {
  if (!(await hasState(statements))) return undefined
  return openHead(await statements.all(headRows), seal)?.state?.holder
}

/** Has the head say that nobody has the store, and else what it said. One that is not genuine stays as it is. */
export async function letGo(statements: Statements, seal: Seal): Promise<void> {
  if (!(await hasState(statements))) return
  const { head, state } = openHead(await statements.all(headRows), seal) ?? {}
  if (!head || !state?.holder) return
  await statements.run(putHead, Object.values(headRow(seal, head, { ...state, holder: undefined })))
}

function headRow(seal: Seal, head: CommittedHead, state: HeadState): StoredRow {
  const { seq, mac, commits } = head
  const sealed = seal.seal(JSON.stringify(state), place)
  const { key, mac: headMac } = sealHead(seal, { ...head, state: sealed })
  return { id: 1, seq, mac, key, head_mac: headMac, commits, state: sealed }
}

const eventColumns = 'seq, at, type, actor, agent, owner, task, lease, status, data, request, key, mac'
/** Events that one statement puts: each number of them is a statement to prepare. */
const eventsAtOnce = 16

// Whatever stands where the next event belongs was put there by somebody else.
const values = `(${eventColumns.replaceAll(/\w+/g, '?')})`
const putEvents = Array.from(
  { length: eventsAtOnce + 1 },
  (_, count) =>
    `insert into audit_events (${eventColumns}) values ${Array(count).fill(values).join()}
      on conflict (seq) do update set ${replaced(eventColumns)}`,
)

const putHead = `insert into audit_head (${headColumns}) values (?, ?, ?, ?, ?, ?, ?)
  on conflict (id) do update set ${replaced(headColumns)}`

function replaced(columns: string): string {
  return columns.replaceAll(/\w+/g, '$& = excluded.$&')
}

function eventValues(event: ChainedEvent): unknown[] {
  const { seq, at, type, actor, agent, owner, task, lease, status, data, request, key, mac } = event
  const text = data === undefined ? undefined : JSON.stringify(data)
  return [seq, at, type, actor, agent, owner, task, lease, status, text, request, key, mac].map(
    (value) => value ?? null,
  )
}
