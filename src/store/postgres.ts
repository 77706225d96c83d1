/** The store in a PostgreSQL database: one broker writes it, many connections read (docs/decisions/0040). */
import type { Seal } from '../base/seal.ts'
import { placeOf, type PostgresAddress, StoreInUse } from './address.ts'
import type { Snapshot } from './connection.ts'
import { becomeHolder, release } from './holder.ts'
import { LastHead } from './last-head.ts'
import { requireCurrent } from './migrations.ts'
import {
  type OpenStore,
  ownStore,
  type OwnStore,
  readOnly,
  silentLog,
  type StoreOptions,
} from './own-store.ts'
import { ReadPool } from './postgres-pool.ts'
import { isPostgresFailure, type Server, Session } from './postgres-session.ts'
import { openLocked, writingOver } from './postgres-writing.ts'
import { type Installation, installationLeft, type Reader, readWith, unreadable } from './reader.ts'
import { takeOver } from './take-over.ts'

/** One writes, and one is for looking through it. */
const besidesReaders = 2

/** Connections of a broker where nothing is said. */
const usual = 10

/**
 * Opens the database as its only writer, making or migrating the tables first.
 *
 * @throws StoreInUse when another broker has it; Error when it cannot be reached, cannot be
 *   relied on, or was written by a newer version.
 */
export async function openPostgres(
  address: PostgresAddress,
  seal: Seal,
  options: StoreOptions = {},
): Promise<OwnStore> {
  const { log = silentLog } = options
  await using opened = new AsyncDisposableStack()
  const session = await openLocked(address).catch((error: unknown) => {
    throw asItCameTo(error, address)
  })
  if (!session) throw new StoreInUse(place(address))
  const server = { ...address, schema: session.connection.schema }
  const connection = writingOver(server, session)
  opened.defer(() => connection.close())
  const outside = opened.use(new LastHead(options.lastHead, log))
  const holder = opened.adopt(becomeHolder(), release)
  // A migration may take its time.
  session.patient = true
  await connection.begin()
  const taken = await takeOver(connection, seal, { holder, outside })
  if (!taken) throw new StoreInUse(place(address))
  await connection.commit()
  // What is prepared would answer as the tables were.
  await session.forget()
  session.patient = false
  const { keeper, macs } = taken
  const { reader, snapshot } = readerOf(server, address.pool ?? usual, {
    seal,
    macs,
    installation: keeper.state.installation,
  })
  const given = { ...taken, connection, seal, outside, reader, snapshot }
  const store = await ownStore(given, options, () => open.disposeAsync())
  const open = opened.move()
  return store
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
  const readers = new ReadPool(server, pool - besidesReaders)
  const looking = new ReadPool(server, 1)
  const reader: Reader = {
    async read(work) {
      const session = await readers.begin().catch((error: unknown) => {
        throw unreadable(error)
      })
      try {
        const connection = { ...session.connection, isFailure: isPostgresFailure }
        return await readWith(connection, installation, work)
      } finally {
        readers.end(session)
      }
    },
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
