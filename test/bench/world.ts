/** What every measurement needs: an issuer, upstreams and a broker, each in a process of its own. */
import { type ChildProcess, fork } from 'node:child_process'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/base/clock.ts'
import {
  freePort,
  githubConnection,
  sandboxWorkload,
  writeConfiguration,
} from '../../src/sandbox/configuration.ts'
import { type SandboxIssuer, startIssuer } from '../../src/sandbox/issuer.ts'
import type { Usage } from './broker.ts'
import { type Database, database, type Engine } from './database.ts'
import type { Commits, Floor } from './floor.ts'
import type { Probed } from './prober.ts'
import type { UpstreamReport } from './upstream.ts'

export const detail = { type: 'github', repositories: ['acme/web'], permissions: { contents: 'write' } }
export const otherDetail = { type: 'github', repositories: ['omega/web'], permissions: { contents: 'write' } }

export interface Upstream {
  url: string
  report(): Promise<UpstreamReport>
  send(order: 'hang' | 'reset'): void
}

export interface World extends AsyncDisposable {
  url: string
  issuer: SandboxIssuer
  /** For `detail`, and for `otherDetail`. */
  upstream: Upstream
  other: Upstream
  broker: ChildProcess
  /** Where each of several brokers listens; `broker` and `url` are the first's. */
  ports: number[]
  /** Of the configuration. */
  directory: string
  database: Database
  /** Signed beforehand: that is not the broker's work, and takes longer than checking. */
  tokens(n: number): Promise<string[]>
  usage(): Promise<Usage>
}

const plenty = 10_000_000

interface Setting {
  engine: Engine
  /** How many write the store side by side. */
  brokers?: number
  /** Milliseconds an answer of the upstreams takes, and how many are given at once. */
  delay?: number
  slots?: number
  /** More policies, by file. */
  policies?: Record<string, string>
  settings?: Record<string, unknown>
  /** Is given the path of the configuration, the issuer's URL and the database, before the broker starts. */
  before?: (file: string, issuer: string, database: Database) => Promise<void>
}

export async function startWorld({
  engine,
  brokers: count = 1,
  delay = 0,
  slots = Infinity,
  settings = {},
  policies = {},
  before,
}: Setting): Promise<World> {
  await using opened = new AsyncDisposableStack()
  const issuer = await startIssuer(systemClock())
  opened.defer(() => issuer.close())
  const directory = await mkdtemp(join(tmpdir(), 'mayfly-bench-'))
  opened.defer(() => rm(directory, { recursive: true, force: true }))
  const store = opened.use(await database(engine, directory))
  const upstream = await startUpstream(opened, delay, slots)
  const other = await startUpstream(opened, delay, slots)
  const ports = await Promise.all(Array.from({ length: count }, freePort))
  const url = `http://127.0.0.1:${ports[0]!}`
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  const github = { appId: 1, privateKey }
  const seal = randomBytes(32).toString('base64')
  const files: string[] = []
  for (const port of ports) {
    const folder = join(directory, String(port))
    await mkdir(folder)
    const written = await writeConfiguration(
      folder,
      { issuer, github: { ...github, url: upstream.url } },
      port,
      {
        settings: {
          url,
          store: store.setting,
          limits: {
            requests_per_minute: { agent: plenty, address: plenty },
            live_leases: { task: 50, agent: plenty },
            open_tasks: plenty,
          },
          providers: {
            github: [
              githubConnection({ ...github, url: upstream.url }),
              { ...githubConnection({ ...github, url: other.url }), name: 'omega', owners: ['omega'] },
            ],
          },
          ...settings,
        },
        files: {
          'seal.key': seal,
          'policies/omega.cedar': `@id("omega")
permit (principal, action in Mayfly::Action::"write", resource in Mayfly::GithubOwner::"omega");`,
          ...policies,
        },
      },
    )
    files.push(written)
  }
  await before?.(files[0]!, issuer.url, store)
  const brokers: ChildProcess[] = []
  for (const file of files) {
    const broker = child('broker.ts', file)
    opened.defer(async () => {
      broker.send('stop')
      await once(broker, 'exit')
    })
    await once(broker, 'message')
    brokers.push(broker)
  }
  const closing = opened.move()
  return {
    url,
    issuer,
    upstream,
    other,
    broker: brokers[0]!,
    ports,
    directory: join(directory, String(ports[0]!)),
    database: store,
    async tokens(n) {
      const signed: string[] = []
      while (signed.length < n) signed.push(await issuer.token({ ...sandboxWorkload, aud: url }))
      return signed
    },
    usage: async () => summed(await Promise.all(brokers.map((broker) => asked<Usage>(broker, 'usage')))),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
}

function summed(each: readonly Usage[]): Usage {
  const sum = (of: keyof Usage) => each.reduce((total, usage) => total + usage[of], 0)
  return { cpu: sum('cpu'), rss: sum('rss'), started: sum('started') }
}

async function startUpstream(opened: AsyncDisposableStack, delay: number, slots: number): Promise<Upstream> {
  const process = child('upstream.ts', String(delay), String(slots))
  opened.defer(async () => {
    process.send('stop')
    await once(process, 'exit')
  })
  const [url] = (await once(process, 'message')) as [string]
  return {
    url,
    report: () => asked<UpstreamReport>(process, 'report'),
    send: (order) => void process.send(order),
  }
}

function child(script: string, ...args: string[]): ChildProcess {
  return fork(join(import.meta.dirname, script), args, { serialization: 'advanced' })
}

export async function asked<Answer>(process: ChildProcess, question: string): Promise<Answer> {
  process.send(question)
  const [answer] = (await once(process, 'message')) as [Answer]
  return answer
}

/** The floor under the same load. */
export async function measureFloor(
  { upstream, issuer }: World,
  { token, ...order }: { token: string; commits: Commits; clients: number; seconds: number },
): Promise<Floor> {
  const measuring = child('floor.ts')
  const [key] = issuer.publicJwks().keys
  measuring.send({ ...order, token, key, upstream: upstream.url })
  const [floor] = (await once(measuring, 'message')) as [Floor]
  return floor
}

/** Asks for this page on new connections until `stop`. */
export function probing(url: string, everyMs: number): { stop(): Promise<Probed> } {
  const prober = child('prober.ts', url, String(everyMs))
  return { stop: () => asked<Probed>(prober, 'stop') }
}
