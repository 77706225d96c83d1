/** One connection to a PostgreSQL server. */
import pg from 'pg'
import { Kysely, PostgresDialect } from 'kysely'
import type { Connection } from './connection.ts'
import { postgresDialect } from './postgres-dialect.ts'
import type { Schema } from './schema.ts'
import { type Answer, Batch, type Shapes, type Wire } from './postgres-batch.ts'
import type { Statements, StoredRow } from './statements.ts'

/** The server has refused something, or cannot be reached. What it says may hold values: it is a cause, never shown to a caller. */
export class PostgresFailure extends Error {
  constructor(cause: unknown) {
    super('PostgreSQL has failed', { cause })
    this.name = 'PostgresFailure'
  }
}

export const isPostgresFailure = (error: unknown): error is PostgresFailure =>
  error instanceof PostgresFailure

/** Milliseconds until a server that does not answer is given up. */
const connectMs = 5_000
const answerMs = 15_000
/** Texts that are prepared on one connection: those that are put together differ without end. */
const preparedAtMost = 500
/** Rows fetched in one go of what may be millions. */
const rowsAtOnce = 500

/**
 * What a server says to a connection that is of no use any more (PostgreSQL, appendix A): as it closes it, because somebody ends
 * it, the server stops, or it stood still for too long; or because it takes no writes on it. Whether it may write is settled as
 * it is made, so that a server that takes writes again, or another in its place, is found by the next.
 */
const useless = /^(?:08...|57P0[1-5]|25P0[34]|25006)$/

const int8 = 20
/** Its bounds: they have no number. */
const [least, greatest] = ['-9223372036854775808', '9223372036854775807']

/** Mayfly writes no integer that is no number; one that somebody else did is read as the nearest. */
const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === int8 && format !== 'binary' ? Number : (pg.types.getTypeParser(oid, format as 'text') as never),
}

/** What it takes to connect. */
export interface Server {
  url: string
  /** PEM; no other CA is trusted then. */
  ca?: string | undefined
  /** The schema in which the tables are; the one that the server chooses where it is not known yet. */
  schema?: string
}

export class Session {
  readonly #client: pg.Client
  readonly #prepared = new Map<string, string>()
  readonly #shapes: Shapes = new Map()
  readonly #numbered = new Map<string, string>()
  /** What was sent and nobody waits for, since `settled` was last asked. */
  #unsettled: Promise<unknown>[] = []
  #cursors = 0
  #generation = 0
  #broken = false
  #batch: Batch | undefined
  #waiting = 0
  readonly #watch = setTimeout(() => this.#giveUp(), answerMs).unref()
  /** Whether answers are waited for however long they take: what a migration does may. */
  patient = false
  connection: Connection & { schema: string }

  private constructor(client: pg.Client) {
    this.#client = client
    // A connection that breaks while nothing is asked of it: whoever asks next is told.
    client.on('error', () => (this.#broken = true))
    client.on('end', () => (this.#broken = true))
    const statements: Statements = {
      dialect: postgresDialect,
      all: (sql, values = []) => this.all(this.#number(sql), values),
      each: (sql) => this.#each(sql),
      run: (sql, values = []) => this.send(this.#number(sql), values),
    }
    this.connection = { schema: '', db: kyselyOver((sql, values) => this.all(sql, values)), statements }
  }

  /** @throws PostgresFailure */
  static async open(server: Server): Promise<Session> {
    const client = new pg.Client({
      ...clientOptions(server),
      connectionTimeoutMillis: connectMs,
      keepAlive: true,
      application_name: 'mayfly',
      types,
      // Statements follow each other without waiting for the answers of those before.
      pipeline: true,
    } as pg.ClientConfig)
    const session = new Session(client)
    try {
      await client.connect()
    } catch (error) {
      throw new PostgresFailure(error)
    }
    try {
      await session.#pin(server.schema)
    } catch (error) {
      await session.close()
      throw error
    }
    return session
  }

  get isBroken(): boolean {
    return this.#broken
  }

  /** Several statements, of which the rows of the last are answered. */
  async script(sql: string): Promise<StoredRow[]> {
    this.submit()
    const answers = await this.#answered(
      () =>
        new Promise<pg.QueryResult<StoredRow>>((resolve, reject) => {
          // The promise that the driver gives without a callback had a store that is read as a whole take a hundred megabytes more.
          this.#client.query<StoredRow>(sql, (error, found) => (error ? reject(error) : resolve(found)))
        }),
    )
    return [answers].flat().at(-1)!.rows
  }

  /** With `$1` and so on in it. */
  async all(sql: string, values: readonly unknown[]): Promise<StoredRow[]> {
    return (await this.#ask(sql, values)).rows
  }

  /** Resolves once all that was sent has been done. @throws PostgresFailure where something of it was not */
  async settled(): Promise<void> {
    const sent = this.#unsettled
    this.#unsettled = []
    await Promise.all(sent)
  }

  /** Commits. @throws PostgresFailure where nothing of the transaction is kept */
  async commit(): Promise<void> {
    const committing = this.#ask('commit')
    const [, { command }] = await Promise.all([this.settled(), committing])
    // What the server says to a commit of what has failed.
    if (command !== 'COMMIT') throw new PostgresFailure(new Error(`the commit was answered with ${command}`))
  }

  /** Undoes the transaction, whatever has failed in it. Where that cannot be done either, the connection is of no use any more. */
  async rollBack(): Promise<void> {
    // Behind whatever was refused, the rest of a batch is not run.
    this.submit()
    const undone = this.#broken || this.#ask('rollback').catch(() => (this.#broken = true))
    await this.settled().catch(() => undefined)
    await undone
  }

  /** Like `all`, for what must be run whatever else is refused on this connection. */
  async inOwnBatch(sql: string, values: readonly unknown[]): Promise<StoredRow[]> {
    this.submit()
    const asked = this.all(sql, values)
    this.submit()
    return await asked
  }

  /** Asks for what nobody waits for: `settled` tells whether it was done. With `$1` and so on in it. */
  send(sql: string, values: readonly unknown[] = []): void {
    this.#leave(this.#ask(sql, values))
  }

  /** Has every statement prepared anew. */
  async forget(): Promise<void> {
    this.#prepared.clear()
    this.#shapes.clear()
    this.#generation += 1
    await this.script('deallocate all')
  }

  /** Calls `heard` with whatever is sent to `channel` from now on, as long as the connection stands. */
  async listen(channel: string, heard: (payload: string) => void): Promise<void> {
    this.#client.on('notification', ({ payload = '' }) => heard(payload))
    await this.script(`listen ${channel}`)
  }

  async close(): Promise<void> {
    this.#broken = true
    clearTimeout(this.#watch)
    await this.#client.end().catch(() => undefined)
  }

  /**
   * A schema that somebody puts before it later, or a temporary table, is not taken for it. Rows are found by an index, however
   * few there were when the server planned that (docs/decisions/0074).
   */
  async #pin(known: string | undefined): Promise<void> {
    const [row] = await this.all(
      `select name, set_config('search_path', quote_ident(name) || ', pg_temp', false),
         set_config('enable_seqscan', 'off', false), set_config('jit', 'off', false)
       from (select coalesce($1, current_schema()::text) as name) as wanted`,
      [known ?? null],
    )
    const name = row!['name']
    if (typeof name !== 'string') throw new Error('the user of `store` has no schema to put tables in')
    this.connection = { ...this.connection, schema: name }
  }

  #leave(sent: Promise<unknown>): void {
    // Told by `settled`: until somebody asks there, it must not pass for a rejection that nobody handles.
    sent.catch(() => undefined)
    this.#unsettled.push(sent)
  }

  async *#each(sql: string): AsyncGenerator<StoredRow[]> {
    const name = `each_${(this.#cursors += 1)}`
    const fetch = `fetch ${rowsAtOnce} from ${name}`
    let rows = await this.script(`declare ${name} no scroll cursor for ${sql}; ${fetch}`)
    for (; rows.length === rowsAtOnce; rows = await this.script(fetch)) yield rows
    yield rows
    // As a script: a prepared statement for each name would never be of use again.
    this.#leave(this.script(`close ${name}`))
  }

  /** @throws PostgresFailure at once for a value that no column holds: nothing is sent then */
  #ask(sql: string, values: readonly unknown[] = []): Promise<Answer> {
    const asked = { sql, name: this.#nameOf(sql), values: values.map(asText) }
    this.#batch ??= this.#begin()
    const batch = this.#batch
    return this.#answered(() => {
      const answer = batch.add(asked, this.#client.connection as unknown as Wire)
      if (batch.isFull) this.submit()
      return answer
    })
  }

  /** What is asked before anybody else has a turn goes to the server together. */
  #begin(): Batch {
    process.nextTick(() => this.submit())
    return new Batch(types, this.#shapes)
  }

  /** Sends the batch, with a point of synchronization behind it: what is asked later neither delays its answers nor is refused with it. */
  submit(): void {
    const batch = this.#batch
    this.#batch = undefined
    if (batch) this.#client.query(batch as never)
  }

  /** @throws PostgresFailure */
  async #answered<T>(ask: () => Promise<T>): Promise<T> {
    // Whoever asks more while nothing is answered must not put off that it is noticed.
    if (this.#waiting === 0) this.#watch.refresh()
    this.#waiting += 1
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof pg.DatabaseError) || useless.test(error.code ?? '')) this.#broken = true
      throw new PostgresFailure(error)
    } finally {
      this.#waiting -= 1
      this.#watch.refresh()
    }
  }

  /** One timer for all that is waited for: statements follow each other by the hundred. */
  #giveUp(): void {
    if (this.#waiting === 0 || this.patient) return
    this.#broken = true
    this.#client.connection.stream.destroy(new Error('the server does not answer'))
  }

  #nameOf(sql: string): string | undefined {
    let name = this.#prepared.get(sql)
    if (name === undefined && this.#prepared.size < preparedAtMost)
      this.#prepared.set(sql, (name = `s${this.#generation}_${this.#prepared.size}`))
    return name
  }

  /** `?` as PostgreSQL writes it. */
  #number(sql: string): string {
    let numbered = this.#numbered.get(sql)
    if (numbered === undefined) {
      let count = 0
      numbered = sql.replaceAll('?', () => `$${(count += 1)}`)
      if (this.#numbered.size < preparedAtMost) this.#numbered.set(sql, numbered)
    }
    return numbered
  }
}

/**
 * As the server takes it. What no column holds is beyond all that one does: times without end, and texts with a NUL
 * (Rows has taken it out of what is written).
 *
 * @throws PostgresFailure for what has no text
 */
function asText(value: unknown): string | Buffer | null {
  if (typeof value === 'string') return value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value
  if (value === null || value === undefined || Number.isNaN(value)) return null
  if (typeof value === 'number' && !Number.isFinite(value)) return value > 0 ? greatest : least
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return String(value)
  if (Buffer.isBuffer(value)) return value
  throw new PostgresFailure(new TypeError('a value that no column holds'))
}

/** For queries that are put together, wherever `all` sends them. */
export function kyselyOver(all: Session['all']): Kysely<Schema> {
  const client = {
    async query(sql: string, values: readonly unknown[] = []) {
      const rows = await all(sql, values)
      return { rows, rowCount: rows.length, command: 'SELECT' as const }
    },
    release: () => undefined,
  }
  const pool = { connect: () => Promise.resolve(client as never), end: () => Promise.resolve(), options: {} }
  return new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) })
}

/**
 * What the address says of TLS is said here once: the driver would take it in place of ours,
 * and `ssl=0` in it would send everything in the clear.
 */
function clientOptions({ url, ca }: Server): Pick<pg.ClientConfig, 'connectionString' | 'ssl'> {
  const parsed = new URL(url)
  // The last, as for the driver.
  const mode = parsed.searchParams.getAll('sslmode').at(-1)
  const ofTls = [...parsed.searchParams.keys()].filter((name) => /^(?:ssl|uselibpqcompat)/i.test(name))
  for (const name of ofTls) parsed.searchParams.delete(name)
  // The driver’s own would go off although all was answered, and close the connection.
  parsed.searchParams.delete('query_timeout')
  const connectionString = parsed.href
  const plain = ca === undefined && (mode === undefined ? isNear(connectionString) : mode === 'disable')
  return { connectionString, ssl: plain ? false : { ...(ca !== undefined && { ca }) } }
}

/** Whether this leads to a socket, or to this machine: by the host that the driver itself makes of it, and of `PGHOST`. */
function isNear(connectionString: string): boolean {
  // It refuses a `PGSSLNEGOTIATION` without TLS.
  const { host } = new pg.Client({ connectionString, ssl: true })
  return host.startsWith('/') || ['localhost', '127.0.0.1', '::1'].includes(host)
}
