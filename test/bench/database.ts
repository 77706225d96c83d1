/** Where a broker under load keeps its state: a file, or a database of a PostgreSQL server that lasts as long as it. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
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
  /**
   * Has the statistics of the server's own catalogue taken, as it does by itself a minute after the tables were made: all
   * brokers look through the store then (docs/decisions/0071), and one that is full by that time costs them a round.
   */
  settle(): Promise<void>
  /** On disk. */
  bytes(): Promise<number>
  /** Of a server of its own, user and system, milliseconds; as Linux counts it. */
  cpu(): Promise<number>
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
      settle: async () => undefined,
      bytes: async () => statSync(file).size,
      cpu: async () => 0,
      [Symbol.asyncDispose]: async () => undefined,
    }
  }
  const server = await embeddedServer()
  const url = await server.database()
  const rows = (sql: string) => besideDatabase(url, sql)
  const template = Object.assign(new URL(url), { pathname: '/template1' }).href
  return {
    setting: url,
    rows,
    async settle() {
      for (const each of [url, template]) await besideDatabase(each, 'analyze')
    },
    bytes: async () => Number((await rows('select pg_database_size(current_database()) as n'))[0]!['n']),
    async cpu() {
      const [row] = await rows("select split_part(pg_read_file('postmaster.pid'), chr(10), 1) as pid")
      return cpuOf(Number(row!['pid']))
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

/** Of a process, its children, and those of them that are gone: milliseconds, in steps of ten. */
function cpuOf(parent: number): number {
  const msPerTick = 10
  let ticks = 0
  for (const pid of readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name))) {
    const fields = statOf(pid)
    if (!fields) continue
    // proc_pid_stat(5), from its third field on: its parent, its own time, and that of children which it has waited for.
    const [above, user, system, childUser, childSystem] = [1, 11, 12, 13, 14].map((at) => Number(fields[at]))
    if (above === parent) ticks += user! + system!
    if (Number(pid) === parent) ticks += user! + system! + childUser! + childSystem!
  }
  return ticks * msPerTick
}

function statOf(pid: string): string[] | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
  } catch {
    // It has ended since the folder was read.
    return undefined
  }
}
