/** A store as a broker has it open, whatever its engine. */
import type { AuditEvent, Head } from '../audit/event.ts'
import { BrokerError } from '../base/errors.ts'
import type { Exclusive } from '../base/exclusive.ts'
import type { Log } from '../base/log.ts'
import type { Seal } from '../base/seal.ts'
import type { Unit } from '../base/unit.ts'
import type { Snapshot, Writing } from './connection.ts'
import { GroupWriter } from './group-writer.ts'
import { Guard } from './guard.ts'
import type { HeadKeeper } from './head.ts'
import type { Intrusion } from './inspection.ts'
import type { LastHead } from './last-head.ts'
import type { Asked, Introduction, Peer, Peers } from './peers.ts'
import type { Line } from './postgres-line.ts'
import type { Reader } from './reader.ts'
import type { RowMacs } from './row-macs.ts'
import { sealedTables } from './sealed-tables.ts'
import { rowsIn } from './transaction.ts'
import { notWritten } from './work-group.ts'

export interface OpenStore {
  unit: Unit
  close(): Promise<void>
}

/** A store that is written. */
export interface OwnStore extends OpenStore {
  /** Whether the tables were made or changed when it was opened. */
  readonly migrated: boolean
  /** What somebody else has done to it, as far as it is known. */
  readonly intrusion: Intrusion
  /** Resolves once all of it has been looked through. */
  lookedThrough(): Promise<void>
  /** @throws BrokerError `unavailable` while nothing may be granted. */
  mayGrant(): void
  /**
   * Resolves where it can be written, by what was last tried, and may be granted from. While that is being looked
   * into, it is waited for, as whoever asks for something to be granted does.
   *
   * @throws BrokerError `unavailable` where it cannot, or may not.
   */
  ready(): Promise<void>
  /** @throws BrokerError `unavailable` while there is a task in it to which nothing may be granted. */
  mayGrantToAll(): void
  /**
   * Takes it as it stands for what it should be, and records that as `event` says. What is
   * still wrong with it then is in `intrusion`.
   */
  accept(event: (damagedRows: number) => AuditEvent): Promise<void>
  /** Puts what grants under the seal key that is current, in steps: the one before can be retired then. */
  reseal(): Promise<void>
  /**
   * Has it looked through if somebody else has written to it, says that this broker is there where others
   * may be, and tries to write again where that has failed. Cheap where none of it is so. To be called every second.
   */
  look(): Promise<void>
  /** Where other brokers may write it as well. */
  readonly beside?: BesideOthers
}

/** A store that other brokers may write as well (docs/decisions/0041). */
export interface BesideOthers {
  /** The id of this one: another once it was taken for gone. */
  readonly self: string
  /** All that run, this one among them. */
  readonly living: readonly Peer[]
  /** How much was asked of the others lately. */
  readonly asked: readonly Asked[]
  /** Runs `work` while nobody else, in this or another broker, runs work under the same key. */
  exclusive: Exclusive
  /** Gives back what this broker has to do, for the others to do it. */
  leave(): Promise<void>
}

/** What a broker has to be told where others write its store. */
export interface BesideOptions extends Introduction {
  /** These tasks wait for approval no longer; any may, where that is not known. */
  heard: (tasks: readonly string[] | undefined) => void
  /** Others have come or gone; whether they have left work that is this broker's now. */
  changed: (inherits: boolean) => void
}

export interface StoreOptions {
  /** The file outside the store in which its newest head is kept. */
  lastHead?: string | undefined
  log?: Log
  /** Hears of every commit, before those who wait for it. */
  committed?: (events: readonly AuditEvent[], head: Head) => void
  /** Hears whenever something else is known of what somebody else has done to the store. */
  intruded?: (intrusion: Intrusion) => void
  /** Asked besides before anything is granted. @throws BrokerError where nothing may be */
  mayGrant?: () => void
  /** Goes on though the seal key that wrote it is not at hand: for one that is lost. Never beside others. */
  isKeyLost?: boolean | undefined
  /** A broker's: where the engine can, others may write the store beside it. */
  beside?: BesideOptions
}

/** Rows put under another key in one transaction: everybody else's work waits for it. */
const resealedAtOnce = 200

export const silentLog: Log = { info: () => undefined, warn: () => undefined, error: () => undefined }

/** Joins what writes the store, reads it and looks through it. The first look is over, or under way, when this resolves. */
export async function ownStore(
  given: {
    connection: Writing
    seal: Seal
    macs: RowMacs
    keeper: HeadKeeper
    migrated: boolean
    outside: LastHead
    reader: Reader
    snapshot: () => Promise<Snapshot>
    /** Where others may write it as well. */
    peers?: Peers
    line?: Line
    /** What the engine needs to have done now and then. */
    tend?: (writer: Pick<GroupWriter, 'inOwnTurn'>) => Promise<void>
  },
  options: StoreOptions,
  dispose: () => Promise<void>,
): Promise<OwnStore> {
  const { committed = () => undefined, intruded = () => undefined, mayGrant = () => undefined } = options
  const { reader } = given
  const guard = new Guard({ ...given, changed: intruded, besides: mayGrant })
  reader.watchedBy(guard)
  const { peers, line } = given
  const writer = new GroupWriter({
    ...given,
    guard,
    committed,
    assignment: peers && (() => peers.assignment),
    // None is known before the first beat. Who has come since the last looks for itself until the next.
    hasPeers: peers && (() => peers.living.length !== 1),
  })
  const nothing = () => Promise.resolve()
  // With the first commit the store is looked through.
  await writer.write(nothing)
  return {
    unit: {
      write: (work, ...about) => guard.patiently(() => writer.write(work, ...about)),
      read: (work) => reader.read(work),
      find: (work) => reader.find(work),
    },
    migrated: given.migrated,
    get intrusion() {
      return guard.intrusion
    },
    lookedThrough: () => guard.idle(),
    mayGrant: guard.mayGrant,
    mayGrantToAll: guard.mayGrantToAll,
    async ready() {
      await guard.patiently(async () => guard.mayGrant())
      // Last: a commit may have failed meanwhile.
      if (writer.failure !== undefined) throw notWritten(writer.failure)
    },
    async accept(event) {
      await writer.drain()
      await writer.accept(event)
      await writer.write(nothing)
    },
    async reseal() {
      for (const table of sealedTables) {
        let after: unknown
        do after = await writer.write((tx) => rowsIn(tx).reseal(table, after, resealedAtOnce))
        while (after !== undefined)
      }
    },
    async look() {
      if (peers && line) await beat({ peers, line, writer, beside: options.beside! })
      else if (await writer.isForeign()) await writer.write(nothing)
      await writer.recover()
      await given.tend?.(writer)
    },
    ...(peers && line && { beside: besideOthers(peers, line, writer) }),
    async close() {
      await writer.drain()
      await writer.letGo()
      await guard.close()
      await line?.close()
      await reader.close()
      await dispose()
    },
  }
}

type Beside = { peers: Peers; line: Line; writer: Pick<GroupWriter, 'write'>; beside: BesideOptions }

/** A second among others: what they were not told, or missed, they find out now. */
async function beat({ peers, line, writer, beside }: Beside): Promise<void> {
  const before = JSON.stringify(sign(peers))
  const beaten = await writer.write((tx) => peers.beat(tx))
  const inherits = beaten()
  if (inherits || JSON.stringify(sign(peers)) !== before) beside.changed(inherits)
  beside.heard(undefined)
  await line.keep()
}

/** What of the others makes a difference. */
function sign({ living, assignment }: Peers): unknown {
  return [assignment, living.map(({ id, configuration }) => [id, configuration])]
}

function besideOthers(peers: Peers, line: Line, writer: Pick<GroupWriter, 'write'>): BesideOthers {
  return {
    get self() {
      return peers.assignment.id
    },
    get living() {
      return peers.living
    },
    get asked() {
      return peers.asked
    },
    exclusive: line.exclusive,
    async leave() {
      const left = await writer.write((tx) => peers.leave(tx))
      left()
    },
  }
}

/** A store that is only looked at. */
export function readOnly(reader: Reader): OpenStore {
  return {
    unit: {
      write: () => Promise.reject(new BrokerError('unavailable', 'the store is open for reading only')),
      read: (work) => reader.read(work),
      find: (work) => reader.find(work),
    },
    close: () => reader.close(),
  }
}
