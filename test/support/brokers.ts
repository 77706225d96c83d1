/** Several brokers in this process on one PostgreSQL database, against one sandbox. */
import { request } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { providers } from '../../providers/catalog.ts'
import { systemClock } from '../../src/base/clock.ts'
import { type Broker, startBroker } from '../../src/broker/broker.ts'
import { createLogger } from '../../src/broker/logger.ts'
import {
  type Files,
  freePort,
  sandboxAdmin,
  sandboxWorkload,
  writeConfiguration,
} from '../../src/sandbox/configuration.ts'
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts'
import type { Answer } from './broker.ts'

export interface Call {
  token?: string
  body?: unknown
  headers?: Record<string, string>
  signal?: AbortSignal
}

/** Where a broker of several is, and how to ask it. */
export interface Instance {
  file: string
  port: number
  call(method: string, path: string, options?: Call): Promise<Answer>
}

export interface RunningInstance extends Instance {
  broker: Broker
  log: string[]
}

export interface Brokers extends AsyncDisposable {
  sandbox: Sandbox
  instances: RunningInstance[]
  workload(claims?: Record<string, unknown>): Promise<string>
  admin(claims?: Record<string, unknown>): Promise<string>
}

/** What several brokers are started from: they differ only in where they listen, unless `each` says more. */
export interface Plan {
  count: number
  store: string
  settings?: Record<string, unknown>
  each?: (index: number) => { settings?: Record<string, unknown>; files?: Files }
  files?: Files
}

/** Their configurations, in a folder of their own each. */
export async function writeInstances(
  sandbox: Sandbox,
  directory: string,
  { count, store, settings = {}, each = () => ({}), files = {} }: Plan,
): Promise<{ url: string; instances: Instance[] }> {
  const ports = await Promise.all(Array.from({ length: count + 1 }, freePort))
  const host = `127.0.0.1:${ports.pop()}`
  const limits = {
    requests_per_minute: { agent: 100_000, address: 100_000 },
    failures_per_minute: { address: 100_000 },
  }
  const seal = Buffer.alloc(32, 7).toString('base64')
  const instances: Instance[] = []
  for (const [index, port] of ports.entries()) {
    const own = each(index)
    const folder = await mkdtemp(join(directory, 'broker-'))
    const file = await writeConfiguration(folder, sandbox, port, {
      settings: {
        url: `http://${host}`,
        store,
        admins: [
          {
            name: 'security',
            issuer: 'sandbox',
            audience: `http://${host}/admin`,
            claims: { groups: 'security' },
            may: ['read', 'approve', 'revoke', 'suspend'],
          },
        ],
        limits,
        ...settings,
        ...own.settings,
      },
      files: { 'seal.key': seal, ...files, ...own.files },
    })
    instances.push({ file, port, call: (...asked) => callAt(port, host, ...asked) })
  }
  return { url: `http://${host}`, instances }
}

/** `server`: where the database is that all of them use. */
export async function startBrokers(plan: Plan): Promise<Brokers> {
  const sandbox = await startSandbox({ clock: systemClock() })
  const directory = await mkdtemp(join(tmpdir(), 'mayfly-brokers-'))
  const { url, instances: written } = await writeInstances(sandbox, directory, plan)
  const instances: RunningInstance[] = []
  const close = async () => {
    for (const { broker } of instances) await broker.close()
    await sandbox.close()
    await rm(directory, { recursive: true, force: true })
  }
  try {
    for (const instance of written) {
      const log: string[] = []
      const logger = createLogger({ write: (line) => void log.push(line) })
      const broker = await startBroker(instance.file, {
        clock: systemClock(),
        log: logger,
        providers,
        env: process.env,
      })
      instances.push({ ...instance, broker, log })
    }
  } catch (error) {
    await close()
    throw error
  }
  return {
    sandbox,
    instances,
    workload: (claims) => sandbox.issuer.token({ ...sandboxWorkload, aud: url, ...claims }),
    admin: (claims) => sandbox.issuer.token({ ...sandboxAdmin, aud: `${url}/admin`, ...claims }),
    [Symbol.asyncDispose]: close,
  }
}

/** As a load balancer would pass it on: the Host is that of the public address. */
function callAt(
  port: number,
  host: string,
  method: string,
  path: string,
  { token, body, headers, signal }: Call = {},
): Promise<Answer> {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const asking = request(
    {
      port,
      host: '127.0.0.1',
      method,
      path,
      agent: false,
      ...(signal && { signal }),
      headers: {
        Host: host,
        ...(token !== undefined && { Authorization: `Bearer ${token}` }),
        ...(text !== undefined && {
          'Content-Type': 'application/json',
          'Content-Length': Buffer.byteLength(text),
        }),
        ...headers,
      },
    },
    (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const answered = Buffer.concat(chunks).toString()
        const isJson = /json/.test(response.headers['content-type'] ?? '')
        resolve({
          status: response.statusCode!,
          headers: new Headers(response.headers as Record<string, string>),
          body: isJson ? JSON.parse(answered) : answered,
        })
      })
    },
  )
  asking.on('error', reject)
  asking.end(text)
  return promise
}
