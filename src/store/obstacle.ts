/** What would keep a broker from opening its store. */
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { PostgresAddress, StoreAddress } from './address.ts'
import { writable } from './files.ts'
import { isCurrent } from './migrations.ts'
import { openDatabase } from './node-sqlite.ts'
import { asItCameTo } from './postgres.ts'
import { Session } from './postgres-session.ts'
import { obstacleIn, obstacleToTables, tablesInTheWay } from './postgres-settings.ts'
import { connectionOver } from './sqlite-connection.ts'

/** As far as looking tells, in words; undefined where nothing is known to. Changes nothing, and a broker may be running. */
export async function obstacleTo(address: StoreAddress): Promise<string | undefined> {
  if (address.kind === 'postgres') return await obstacleToPostgres(address)
  const { path } = address
  const folder = dirname(path)
  if (!existsSync(folder)) return `${folder} does not exist`
  // SQLite writes beside the file too: its log, and the lock.
  const places = existsSync(path) ? [path, folder] : [folder]
  const closed = places.filter((place) => !writable(place))
  if (closed.length > 0) return `this user cannot write ${closed.join(' and ')}`
  return existsSync(path) ? await unusable(path) : undefined
}

async function obstacleToPostgres(address: PostgresAddress): Promise<string | undefined> {
  try {
    const session = await Session.open(address)
    try {
      const { db, schema } = session.connection
      const obstacle = await obstacleIn(session)
      if (obstacle !== undefined || (await isCurrent(db, schema))) return obstacle
      return (await obstacleToTables(session)) ?? (await tablesInTheWay(session))
    } finally {
      await session.close()
    }
  } catch (error) {
    const found = asItCameTo(error, address)
    return found instanceof Error ? found.message : 'the database cannot be used'
  }
}

async function unusable(path: string): Promise<string | undefined> {
  try {
    using database = openDatabase(path, { readOnly: true })
    const { db, statements } = connectionOver(database)
    await statements.all('select 1 from sqlite_schema limit 1')
    await isCurrent(db)
    return undefined
  } catch (error) {
    return `${path} cannot be opened: ${error instanceof Error ? error.message : 'unknown error'}`
  }
}
