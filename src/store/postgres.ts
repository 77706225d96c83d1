/** The store in a PostgreSQL database: brokers write it in turns, many connections read (docs/decisions/0040, docs/decisions/0041). */
import { randomUUID } from 'node:crypto'
import type { Seal } from '../base/seal.ts'
import { placeOf, type PostgresAddress, StoreInUse } from './address.ts'
import type { Snapshot } from './connection.ts'
import { LastHead } from './last-head.ts'
import { isCurrent, requireCurrent } from './migrations.ts'
import {
  type OpenStore,
  ownStore,
  type OwnStore,
  readOnly,
  silentLog,
  type StoreOptions,
} from './own-store.ts'
import { Peers, registered } from './peers.ts'
import { Line } from './postgres-line.ts'
import { ReadPool } from './postgres-pool.ts'
import { admit, openAlone, openBeside, openPresent, type Present } from './postgres-presence.ts'
import { obstacleToTables } from './postgres-settings.ts'
import { isPostgresFailure, type Server, Session } from './postgres-session.ts'
import { statistics } from './postgres-statistics.ts'
import { limitTurns, writingOver } from './postgres-writing.ts'
import { findWith, type Installation, installationLeft, type Reader, readWith, unreadable } from './reader.ts'
import { takeOver } from './take-over.ts'

/** One writes, one is for looking through it, and one is the line to other brokers. */
const besidesReaders = 3

/** Connections of a broker where nothing is said. */
const usual = 10

/**
 * Opens the database to write it, making or migrating the tables first where nobody else has it:
 * beside other brokers where `options` says how, else as its only writer.
 *
 * @throws StoreInUse when a process has it that must be alone, or this one must be; OtherSealKey; Error when it
 *   cannot be reached, cannot be relied on, or was written by another version.
 */
export async function openPostgres(
  address: PostgresAddress,
  seal: Seal,
  options: StoreOptions = {},
): Promise<OwnStore> {
  const { log = silentLog, beside, isKeyLost } = options
  await using opened = new AsyncDisposableStack()
  const told = (error: unknown) => {
    throw asItCameTo(error, address)
  }
  const present = await (beside ? openPresent(address) : openOnly(address)).catch(told)
  if (!present) throw new StoreInUse(place(address))
  const { session, isAlone } = present
  const server = { ...address, schema: session.connection.schema }
  const self = randomUUID()
  const connection = beside
    ? writingOver(server, session, openBeside, self)
    : writingOver(server, session, openAlone)
  opened.defer(() => connection.close())
  const outside = opened.use(new LastHead(options.lastHead, log))
  // A migration may take its time.
  session.patient = true
  await connection.begin()
  if (!(await isCurrent(connection.db, connection.schema))) {
    if (!isAlone)
      throw new Error(
        `${place(address)} has tables of an earlier version, whose brokers are running: stop them first`,
      )
    const obstacle = await obstacleToTables(session)
    if (obstacle !== undefined) throw new Error(`${place(address)} cannot be used: ${obstacle}`)
  }
  const knowing = { outside, isKeyLost: isKeyLost === true && !beside }
  const taken = (await takeOver(connection, seal, knowing).catch(told))!
  const { keeper, macs, migrated } = taken
  const { installation } = keeper.state
  const over = isAlone ? await registered(connection.statements, macs) : []
  await connection.commit()
  // What is prepared would answer as the tables were.
  await session.forget()
  session.patient = false
  await limitTurns(session)
  if (beside && isAlone) await admit(session)
  const peers = beside && new Peers(beside, over)
  const line = beside && new Line(server, ({ by, tasks }) => (by === self ? undefined : beside.heard(tasks)))
  const assignment = peers && (() => peers.assignment)
  const { reader, snapshot } = readerOf(server, address.pool ?? usual, {
    seal,
    macs,
    installation,
    ...(assignment && { assignment }),
  })
  const store = await ownStore(
    {
      keeper,
      macs,
      migrated,
      connection,
      seal,
      outside,
      reader,
      snapshot,
      ...(peers && { peers }),
      ...(line && { line }),
      ...(beside && { tend: statistics(beside.clock, log) }),
    },
    options,
    () => open.disposeAsync(),
  )
  const open = opened.move()
  return store
}

async function openOnly(server: Server): Promise<Present | undefined> {
  const session = await openAlone(server)
  return session && { session, isAlone: true }
}

/**
 * Opens the database for reading only, beside a running broker or without one.
 *
 * @throws Error when it cannot be reached or is of another version.
 */
export async function openPostgresReadOnly(address: PostgresAddress, seal: Seal): Promise<OpenStore> {
  const session = await Session.open(address).catch((error: unknown) => {
    throw asItCameTo(error, address)
  })
  try {
    await requireCurrent(session.connection.db, session.connection.schema)
    const left = await installationLeft(session.connection, seal)
    const server = { ...address, schema: session.connection.schema }
    return readOnly(readerOf(server, address.pool ?? usual, left).reader)
  } finally {
    await session.close()
  }
}

function readerOf(
  server: Server,
  pool: number,
  installation: Installation,
): { reader: Reader; snapshot: () => Promise<Snapshot> } {
  const readers = new ReadPool(server, Math.max(1, pool - besidesReaders))
  const looking = new ReadPool(server, 1, { pins: true })
  const failed = (error: unknown) => {
    throw unreadable(error)
  }
  const reader: Reader = {
    async read(work) {
      const session = await readers.begin().catch(failed)
      try {
        const connection = { ...session.connection, isFailure: isPostgresFailure }
        return await readWith(connection, installation, work)
      } finally {
        readers.end(session)
      }
    },
    async find(work) {
      const session = await readers.take().catch(failed)
      try {
        const { statements } = session.connection
        return await findWith({ statements, isFailure: isPostgresFailure }, installation, work)
      } finally {
        readers.giveBack(session)
      }
    },
    watchedBy: (watch) => void (installation.watch = watch),
    async close() {
      await readers.close()
      await looking.close()
    },
  }
  const snapshot = async () => {
    const session = await looking.begin()
    return { ...session.connection, [Symbol.asyncDispose]: async () => looking.end(session) }
  }
  return { reader, snapshot }
}

const place = (address: PostgresAddress) => placeOf({ kind: 'postgres', ...address })

/** What the server says to a connection is for whoever has configured it. */
export function asItCameTo(error: unknown, address: PostgresAddress): unknown {
  if (!isPostgresFailure(error)) return error
  const { cause } = error
  const why = cause instanceof Error && cause.message !== '' ? cause.message : 'it does not answer'
  return new Error(`${place(address)} cannot be used: ${why}`, { cause })
}
