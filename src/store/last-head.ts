/**
 * The newest head, kept in a file outside the store: what tells that a store was put back
 * to an earlier state, which in itself looks as sound as it did then (docs/decisions/0013).
 */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { z } from 'zod'
import type { Discrepancy } from '../audit/verify.ts'
import type { Log } from '../base/log.ts'
import type { Tx } from '../base/unit.ts'
import { makePrivate } from './files.ts'
import { anchorName } from './anchor.ts'
import { type CommittedHead, headRows, openHead } from './head.ts'
import type { Statements } from './statements.ts'
import { bound } from './transaction.ts'

const knownHead = z.strictObject({
  installation: z.string(),
  commits: z.int(),
  seq: z.int(),
  mac: z.string(),
})
export type KnownHead = z.infer<typeof knownHead>

/** Bytes: as long as any head is, and written as one sector, so that no power cut leaves half of it. */
const length = 256

/** What is known of a store outside it. */
export interface Outside {
  /** The file. */
  path?: string | undefined
  known?: KnownHead | undefined
  /** Why nothing is known although something should be. */
  fault?: string | undefined
}

/** What the file knows: nothing where there is no place for one, or none yet. */
export function readLastHead(path: string | undefined): Outside {
  if (path === undefined) return {}
  try {
    const text = readFileSync(path, 'utf8')
    return text === '' ? {} : { path, known: knownHead.parse(JSON.parse(text)) }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    return { fault: `the head that was kept outside the store in ${path} cannot be read` }
  }
}

/** What the record holds where it once ended, at `seq`, and up to where it was pruned. */
export async function heldAt(statements: Statements, seq: number): Promise<Held> {
  const [row] = await statements.all(whatIsHeld, [seq, anchorName])
  return { mac: row?.['mac'], prunedTo: Number(row?.['pruned'] ?? 0) }
}

export interface Held {
  mac: unknown
  prunedTo: number
}

const whatIsHeld = `select (select mac from audit_events where seq = ? limit 1) as mac,
  (select seq from cursors where name = ? limit 1) as pruned`

/** The end of a store. */
interface StoreEnd {
  installation: string
  head: CommittedHead
}

/** Why a store with this head, whose record holds what is `held` where it was known to end, is not the newest that there was, if it is not. */
export function olderThan(
  known: KnownHead,
  { installation, head }: StoreEnd,
  { mac, prunedTo }: Held,
): string | undefined {
  if (installation !== known.installation)
    return 'the store is another than the one whose head was kept outside it'
  // Of what was pruned since nothing can be told: how often the store was written tells enough.
  const isPruned = head.seq > known.seq && prunedTo >= known.seq
  const reaches = known.seq === 0 || isPruned || mac === known.mac
  if (head.commits >= known.commits && reaches) return undefined
  if (head.seq < known.seq)
    return `the store ends at event ${head.seq}, before event ${known.seq}, whose head was kept outside it`
  return reaches
    ? `the store lacks what was written since event ${known.seq}, whose head was kept outside it`
    : `the store has another event ${known.seq} than the one whose head was kept outside it`
}

/** The same of what is kept outside the store, and where. */
export async function outsideDoubt(
  { path, known, fault }: Outside,
  store: StoreEnd,
  statements: Statements,
): Promise<string | undefined> {
  if (fault !== undefined || !known) return fault
  const doubt = olderThan(known, store, await heldAt(statements, known.seq))
  return doubt && `${doubt}, in ${path}`
}

/**
 * What is wrong with a store that is only read, by what is known outside it. That has to be
 * read before the snapshot: a broker that is running may go on meanwhile.
 */
export async function outsideFault(tx: Tx, outside: Outside): Promise<Discrepancy | undefined> {
  const { known, fault } = outside
  if (fault !== undefined) return { message: fault }
  const { statements, seal, installation } = bound(tx)
  const opened = openHead(await statements.all(headRows), seal)
  // Without one there is more to say, and verification says it.
  if (!known || !opened) return undefined
  const { head } = opened
  const message = await outsideDoubt(outside, { installation, head }, statements)
  if (message === undefined) return undefined
  const lacks = head.seq < known.seq && installation === known.installation
  return { ...(lacks && { seq: head.seq + 1 }), message }
}

/** The file of a store that is being written. */
export class LastHead implements Outside, Disposable {
  readonly path: string | undefined
  /** As it was when the store was opened. */
  readonly known: KnownHead | undefined
  readonly fault: string | undefined
  readonly #log: Log
  #file: number | undefined

  /** `path` is undefined where there is no place for such a file. One that cannot be written is a warning, not a reason not to start. */
  constructor(path: string | undefined, log: Log) {
    this.#log = log
    this.path = path
    const { known, fault } = readLastHead(path)
    this.known = known
    this.fault = fault
    if (path === undefined) return
    try {
      makePrivate(path, log)
      this.#file = openSync(path, 'r+')
    } catch (error) {
      this.#log.warn(
        { err: error, path },
        'the head of the record cannot be kept outside the store, so a store put back to an earlier state is not told from a newer one',
      )
    }
  }

  /** Not synced to the disk: the store is, before, and a file that is behind it is no harm. */
  write(installation: string, { commits, seq, mac }: CommittedHead): void {
    if (this.#file === undefined) return
    const text = JSON.stringify({ installation, commits, seq, mac } satisfies KnownHead)
    try {
      writeSync(this.#file, `${text.padEnd(length - 1)}\n`, 0)
    } catch (error) {
      this.#log.warn({ err: error }, 'the head of the record could not be kept outside the store')
    }
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file)
  }
}
