/** Where a broker under load keeps its state: a file, or a database of a PostgreSQL server that lasts as long as it. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { besideDatabase, embeddedServer } from '../support/postgres-server.ts'

export type Engine = 'sqlite' | 'postgres'

export const engineNames: Record<Engine, string> = { sqlite: 'SQLite', postgres: 'PostgreSQL' }

/** Those that are measured in one run: SQLite always, for what is asked for is compared with it. */
export function enginesOf(store: string): Engine[] {
  if (store === 'sqlite') return ['sqlite']
  if (store === 'postgres') return ['sqlite', 'postgres']
  throw new Error(`${store} is neither sqlite nor postgres`)
}

export interface Database extends AsyncDisposable {
  /** `store` of the configuration. */
  setting: string
  /** Reads beside the broker. */
  rows(sql: string): Promise<Record<string, unknown>[]>
  /** On disk. */
  bytes(): Promise<number>
}

export async function database(engine: Engine, directory: string): Promise<Database> {
  if (engine === 'sqlite') {
    const file = join(directory, 'mayfly.db')
    return {
      setting: `sqlite:${file}`,
      async rows(sql) {
        using reading = new DatabaseSync(file, { readOnly: true })
        return reading.prepare(sql).all()
      },
      bytes: async () => statSync(file).size,
      [Symbol.asyncDispose]: async () => undefined,
    }
  }
  const server = await embeddedServer()
  const url = await server.database()
  const rows = (sql: string) => besideDatabase(url, sql)
  return {
    setting: url,
    rows,
    bytes: async () => Number((await rows('select pg_database_size(current_database()) as n'))[0]!['n']),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}
