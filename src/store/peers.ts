/**
 * Brokers that write one store: each registers itself and says every two seconds that it is there.
 * One that no longer does has its work taken over by another, and so has one that gives it back
 * (docs/decisions/0041).
 */
import { z } from 'zod'
import type { Clock } from '../base/clock.ts'
import { newId } from '../base/id.ts'
import type { Tx } from '../base/unit.ts'
import type { Selectable } from 'kysely'
import type { RowMacs } from './row-macs.ts'
import type { Schema } from './schema.ts'
import { openTaskSql } from './sealed-tables.ts'
import type { Statements } from './statements.ts'
import { type Assignment, bound, rowsIn } from './transaction.ts'

type Row = Selectable<Schema['brokers']>

/** Milliseconds between two times that a broker says that it is there. */
const renewMs = 2_000
/** How long it has to be silent to be taken for gone, and how often it has to be looked for meanwhile: who looks may itself have stood still. */
const goneAfterMs = 6_000
const looksBefore = 4
/** How often it is looked whether anything is left of those that are gone. */
const tidyMs = 60_000

/** In place of an heir: whoever comes first may have it. */
const givenBack = ''

/** A broker as the others see it. Times are milliseconds since 1970, by its own clock. */
export interface Peer {
  id: string
  version: string
  /** The digest of its configuration. */
  configuration: string
  startedAt: number
  seenAt: number
}

/** What a broker says of itself. */
export interface Introduction {
  clock: Clock
  version: string
  /** The digest of the configuration in force. */
  configuration: () => string
  /** How much was asked of it lately, by whom, for the others to count it too. */
  asked?: () => Asked
}

/** By name: how often, and until when that counts, milliseconds since 1970. */
export type Asked = Readonly<Record<string, readonly [times: number, until: number]>>

const askedText = z.record(z.string(), z.tuple([z.number(), z.number()]))

/** When a broker was seen to go on, by this one's clock. */
interface Sighting {
  beats: number
  at: number
  looks: number
}

export class Peers {
  readonly #given: Introduction
  readonly #startedAt: number
  /** Those that certainly run no longer: nobody else had the database when this broker came. */
  readonly #over: ReadonlySet<string>
  #assignment: Assignment = { id: idOf(), others: [] }
  #living: readonly Peer[] = []
  #asked: readonly Asked[] = []
  #sightings = new Map<string, Sighting>()
  #renewedAt = -Infinity
  #tidiedAt: number
  #hasLeft = false

  constructor(given: Introduction, over: readonly string[]) {
    this.#given = given
    this.#startedAt = this.#tidiedAt = given.clock.now()
    this.#over = new Set(over)
  }

  get assignment(): Assignment {
    return this.#assignment
  }

  /** All that run, this one among them. */
  get living(): readonly Peer[] {
    return this.#living
  }

  /** How much was asked of the others lately. */
  get asked(): readonly Asked[] {
    return this.#asked
  }

  /**
   * Says that this broker is there, and looks who else is. What it returns is to be called once
   * that is committed: whether there is work that was another's until now.
   */
  async beat(tx: Tx): Promise<() => boolean> {
    if (this.#hasLeft) return () => false
    const now = this.#given.clock.now()
    const rows = await genuine(tx)
    const byId = new Map(rows.map((row) => [row.id, row]))
    // Whoever took this one for gone has its work: what is begun from now on goes by another name.
    const wasTaken = (byId.get(this.#assignment.id)?.heir ?? null) !== null
    const id = wasTaken ? idOf() : this.#assignment.id
    const renewed = await this.#renew(tx, byId.get(id), id, now)
    const sightings = new Map(
      rows.filter((row) => row.id !== id).map((row) => [row.id, this.#sight(row, now)]),
    )
    const lives = (row: Row) => row.heir === null && !this.#isGone(row.id, sightings, now)
    const besides = rows.filter((row) => row.id !== id)
    const others: string[] = []
    let inherits = false
    for (const row of besides) {
      const holder = holderOf(row, { byId, id, lives })
      if (holder === undefined) {
        inherits = true
        await rowsIn(tx).change('brokers', row, { heir: id })
      } else if (holder !== id) others.push(row.id)
    }
    const tidies = now - this.#tidiedAt >= tidyMs
    if (tidies) for (const row of besides) if (row.heir === id) await tidy(tx, row)
    const living = besides.filter(lives)
    return () => {
      this.#assignment = { id, others }
      this.#sightings = sightings
      if (renewed) this.#renewedAt = now
      if (tidies) this.#tidiedAt = now
      this.#asked = living.map(askedIn)
      this.#living = [...living.map(asPeer), this.#self(id, now)]
      return inherits
    }
  }

  /** Gives back what this broker has to do: the others have it from their next beat on. */
  async leave(tx: Tx): Promise<() => void> {
    const row = await rowsIn(tx).one('brokers', 'id', this.#assignment.id)
    if (row && row.heir === null) await rowsIn(tx).change('brokers', row, { heir: givenBack })
    return () => (this.#hasLeft = true)
  }

  async #renew(tx: Tx, row: Row | undefined, id: string, now: number): Promise<boolean> {
    const asked = JSON.stringify(this.#given.asked?.() ?? {})
    const { version, configuration, startedAt } = this.#self(id, now)
    const said = { version, configuration, seen_at: now, asked }
    if (!row) {
      await rowsIn(tx).insert('brokers', { id, ...said, started_at: startedAt, beats: 1, heir: null })
      return true
    }
    if (now - this.#renewedAt < renewMs && row.configuration === configuration) return false
    await rowsIn(tx).change('brokers', row, { ...said, beats: row.beats + 1 })
    return true
  }

  #self(id: string, seenAt: number): Peer {
    const { version, configuration } = this.#given
    return { id, version, configuration: configuration(), startedAt: this.#startedAt, seenAt }
  }

  #sight({ id, beats }: Row, now: number): Sighting {
    const known = this.#sightings.get(id)
    if (known?.beats !== beats) return { beats, at: now, looks: 0 }
    return { ...known, looks: known.looks + 1 }
  }

  #isGone(id: string, sightings: ReadonlyMap<string, Sighting>, now: number): boolean {
    if (this.#over.has(id)) return true
    const { at, looks } = sightings.get(id)!
    return looks >= looksBefore && now - at >= goneAfterMs
  }
}

/** Who has the work of this one: itself, or whoever took it over in the end; undefined where nobody that lives has it. */
function holderOf(
  row: Row,
  { byId, id, lives }: { byId: ReadonlyMap<string, Row>; id: string; lives: (row: Row) => boolean },
): string | undefined {
  const seen = new Set<Row>()
  for (let at: Row | undefined = row; at && !seen.has(at); at = byId.get(at.heir!)) {
    if (at.id === id || at.heir === id) return id
    if (at.heir === null) return lives(at) ? at.id : undefined
    seen.add(at)
  }
  return undefined
}

const openTasks = `select 1 from tasks where broker = ? and ${openTaskSql} limit 1`
const unsettledLeases = 'select 1 from leases where broker = ? and due_at is not null limit 1'

/** Forgets a broker that is gone once nothing is to be done of what it began. */
async function tidy(tx: Tx, row: Row): Promise<void> {
  const { statements } = bound(tx)
  for (const left of [openTasks, unsettledLeases])
    if ((await statements.all(left, [row.id])).length > 0) return
  await rowsIn(tx).remove('brokers', row)
}

/** Ids of the brokers that have registered, as far as their rows are genuine. */
export async function registered(statements: Statements, macs: RowMacs): Promise<string[]> {
  const rows = await statements.all('select * from brokers')
  return rows.filter((row) => macs.isGenuine('brokers', row)).map(({ id }) => String(id))
}

/** One that somebody else has written is nobody's: what it says is its own is everybody's to do. */
async function genuine(tx: Tx): Promise<Row[]> {
  const rows = await rowsIn(tx).where('brokers', "id > '' order by id", [])
  return rows.filter((row) => rowsIn(tx).isGenuine('brokers', row))
}

function asPeer({ id, version, configuration, started_at: startedAt, seen_at: seenAt }: Row): Peer {
  return { id, version, configuration, startedAt, seenAt }
}

function askedIn({ asked }: Row): Asked {
  return askedText.parse(JSON.parse(asked))
}

const idOf = () => newId('brk')
