/** One connection's reads, each on a snapshot of its own. They take turns: a snapshot belongs to the connection. */
import type { Unit } from '../base/unit.ts'
import { isDatabaseError } from './database-error.ts'
import { openDatabase, Query } from './node-sqlite.ts'
import { findWith, type Installation, type Reader, readWith, unreadable } from './reader.ts'
import { connectionOver } from './sqlite-connection.ts'

export function openReader(path: string, installation: Installation): Reader {
  const database = openDatabase(path, { readOnly: true })
  const connection = { ...connectionOver(database), isFailure: isDatabaseError }
  let turn: Promise<unknown> = Promise.resolve()
  const [beginning, ending] = [new Query(database, 'BEGIN'), new Query(database, 'ROLLBACK')]
  const begin = () => {
    try {
      beginning.run([])
    } catch (error) {
      throw unreadable(error)
    }
  }
  const read: Unit['read'] = (work) => {
    const result = turn.then(async () => {
      begin()
      try {
        return await readWith(connection, installation, work)
      } finally {
        if (database.isOpen && database.isTransaction) ending.run([])
      }
    })
    turn = result.catch(() => undefined)
    return result
  }
  const find: Unit['find'] = (work) => {
    const result = turn.then(() => findWith(connection, installation, work))
    turn = result.catch(() => undefined)
    return result
  }
  return {
    read,
    find,
    watchedBy: (watch) => void (installation.watch = watch),
    async close() {
      await turn
      if (database.isOpen) database.close()
    },
  }
}
