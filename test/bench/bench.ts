/**
 * `npm run bench`: clients that open a task, mint and complete, all at once,
 * against the sandbox; beside the floor, measured in the same run.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { systemClock } from '../../src/base/clock.ts'
import {
  freePort,
  githubConnection,
  sandboxWorkload,
  writeConfiguration,
} from '../../src/sandbox/configuration.ts'
import { startGithub } from '../../src/sandbox/github.ts'
import { createLedger } from '../../src/sandbox/ledger.ts'
import { startSandbox } from '../../src/sandbox/sandbox.ts'
import { type Figures, figures, load, row } from './figures.ts'

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '10' },
    json: { type: 'boolean', default: false },
  },
})
const clients = Number(values.clients)
const seconds = Number(values.seconds)

const plenty = 1_000_000
const detail = { type: 'github', repositories: ['acme/web'], permissions: { contents: 'write' } }
const dyingDetail = { type: 'github', repositories: ['omega/web'], permissions: { contents: 'write' } }
const sandbox = await startSandbox()
/** A second upstream, which will die. */
const dying = await startGithub(systemClock(), createLedger(), { owner: 'omega', repositories: ['web'] })
const directory = await mkdtemp(join(tmpdir(), 'mayfly-bench-'))
const port = await freePort()
const url = `http://127.0.0.1:${port}`
const file = await writeConfiguration(directory, sandbox, port, {
  settings: {
    limits: {
      requests_per_minute: { agent: plenty, address: plenty },
      live_leases: { task: 50, agent: 100_000 },
    },
    providers: {
      github: [
        githubConnection(sandbox.github),
        {
          ...githubConnection(dying),
          name: 'omega',
          private_key: { file: './dying.pem' },
          owners: ['omega'],
        },
      ],
    },
  },
  files: {
    'dying.pem': dying.privateKey,
    'policies/omega.cedar': `@id("omega")
permit (principal, action in Mayfly::Action::"write", resource in Mayfly::GithubOwner::"omega");`,
  },
})

const child = (script: string, ...args: string[]) =>
  fork(join(import.meta.dirname, script), args, {
    serialization: 'advanced',
  })
const broker = child('broker.ts', file)
await once(broker, 'message')
const workload = () => sandbox.issuer.token({ ...sandboxWorkload, aud: url })

let failures = 0
async function call(path: string, token: string, body?: unknown) {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  // oxlint-disable-next-line no-explicit-any -- a wrong guess about an answer fails the run
  const answer = (await response.json()) as Record<string, any>
  if (response.status >= 300) {
    failures += 1
    throw new Error(`${path} answered ${response.status}: ${JSON.stringify(answer)}`)
  }
  return answer
}

/** Tokens are signed before the clients start: signing them is not the broker's work, and takes longer than checking. */
async function signed(n: number): Promise<string[]> {
  const tokens: string[] = []
  while (tokens.length < n) tokens.push(await workload())
  return tokens
}

async function begin(token: string, wanted: object) {
  const task = await call('/v1/tasks', token, { purpose: 'bench', authorization_details: [wanted], ttl: 600 })
  const minted = await call(`/v1/tasks/${task['id']}/credentials`, task['task_token'], {
    authorization_detail: wanted,
  })
  return { task, minted, complete: () => call(`/v1/tasks/${task['id']}/complete`, task['task_token']) }
}

/** How long a healthy upstream's credentials take to be revoked and probed. */
async function revocations(clientCount: number, forSeconds: number): Promise<Figures> {
  const tokens = await signed(Math.ceil(forSeconds * 200))
  const series: number[] = []
  await load(clientCount, performance.now() + forSeconds * 1000, async () => {
    const { complete } = await begin(tokens.pop() ?? (await workload()), detail)
    const started = performance.now()
    await complete()
    series.push(performance.now() - started)
  })
  return figures(series)
}

/** The same while another upstream hangs with many leases due. */
async function besideDead(clientCount: number, forSeconds: number): Promise<Figures> {
  const held = await Promise.all(
    Array.from({ length: 200 }, async () => begin(await workload(), dyingDetail)),
  )
  dying.faults.add({ kind: 'hang' })
  const ending = held.map(({ complete }) => complete())
  const measured = await revocations(clientCount, forSeconds)
  await Promise.all(ending)
  dying.faults.clear()
  return measured
}

interface Round {
  perSecond: number
  /** Milliseconds of a whole cycle: open, mint, complete. */
  cycle: Figures
  /** The same without the time that upstream took of it. */
  own: Figures
  cpuMsPerCycle: number
  /** Resident memory of the broker, MB, every ten seconds. */
  memory: number[]
}

async function round(clientCount: number, forSeconds: number): Promise<Round> {
  const tokens = await signed(Math.ceil(forSeconds * 200))
  const took = new Map<string, number>()
  const before = await report(broker)
  const started = performance.now()
  const sampled = memory(started + forSeconds * 1000)
  await load(clientCount, started + forSeconds * 1000, async () => {
    const token = tokens.pop() ?? (await workload())
    const begun = performance.now()
    const { minted, complete } = await begin(token, detail)
    await complete()
    took.set((minted['lease']! as { id: string }).id, performance.now() - begun)
  })
  const elapsed = (performance.now() - started) / 1000
  const samples = await sampled
  const after = await report(broker)
  const upstream = new Map(after.upstreamMs)
  const cpu = (after.cpu.user + after.cpu.system - before.cpu.user - before.cpu.system) / 1000
  return {
    perSecond: took.size / elapsed,
    cycle: figures([...took.values()]),
    own: figures([...took].map(([lease, ms]) => ms - (upstream.get(lease) ?? 0))),
    cpuMsPerCycle: cpu / took.size,
    memory: samples,
  }
}

async function memory(until: number): Promise<number[]> {
  const samples: number[] = []
  do {
    broker.send('rss')
    const [rss] = (await once(broker, 'message')) as [number]
    samples.push(Math.round(rss / 2 ** 20))
    await setTimeout(Math.max(0, Math.min(10_000, until - performance.now())))
  } while (performance.now() < until)
  return samples
}

interface Report {
  upstreamMs: [string, number][]
  cpu: NodeJS.CpuUsage
}
async function report(process: ChildProcess): Promise<Report> {
  process.send('report')
  const [answer] = (await once(process, 'message')) as [Report]
  return answer
}

async function floor(clientCount: number, forSeconds: number): Promise<Figures> {
  const measuring = child('floor.ts')
  measuring.send({
    clients: clientCount,
    seconds: forSeconds,
    token: await workload(),
    jwks: sandbox.issuer.publicJwks(),
    upstream: `${sandbox.github.url}/installation/repositories?per_page=1`,
  })
  const [series] = (await once(measuring, 'message')) as [number[]]
  return figures(series)
}

try {
  await round(Math.min(clients, 20), 2) // warm-up: compiled code, keys, kept-alive connections
  const loaded = await round(clients, seconds)
  const loadedFloor = await floor(clients, Math.min(seconds, 5))
  const alone = await round(1, Math.min(seconds, 5))
  const aloneFloor = await floor(1, Math.min(seconds, 3))
  const healthyAlone = await revocations(Math.min(clients, 20), Math.min(seconds, 5))
  const healthyBeside = await besideDead(Math.min(clients, 20), Math.min(seconds, 5))
  const alive = sandbox.ledger.alive(Date.now()).length
  const ratios = { loaded: loaded.own.p50 / loadedFloor.p50, alone: alone.own.p50 / aloneFloor.p50 }
  if (values.json)
    console.log(
      JSON.stringify({
        clients,
        seconds,
        loaded,
        loadedFloor,
        alone,
        aloneFloor,
        ratios,
        healthyAlone,
        healthyBeside,
        failures,
        alive,
      }),
    )
  else {
    console.log(`${clients} clients for ${seconds} s, each: open, mint, complete\n`)
    console.log(`${'milliseconds'.padEnd(44)}       p50       p95       p99`)
    console.log(row(`cycle, ${clients} clients`, loaded.cycle))
    console.log(row("  of it the broker's own, with its queue", loaded.own))
    console.log(row(`floor, ${clients} clients`, loadedFloor))
    console.log(row('cycle, one client', alone.cycle))
    console.log(row("  of it the broker's own", alone.own))
    console.log(row('floor, one client', aloneFloor))
    console.log(row('revoked and probed, all upstreams well', healthyAlone))
    console.log(row('  beside an upstream that hangs', healthyBeside))
    console.log(
      `\n${loaded.perSecond.toFixed(0)} cycles/s, ${loaded.cpuMsPerCycle.toFixed(2)} ms of the broker's CPU each`,
    )
    console.log(
      `own time to floor, p50: ${ratios.loaded.toFixed(2)} loaded, ${ratios.alone.toFixed(2)} alone`,
    )
    console.log(
      `resident memory every 10 s: ${loaded.memory.join(', ')} MB; ${failures} failures; ${alive} credentials alive at the end`,
    )
  }
  if (failures > 0 || alive > 0) process.exitCode = 1
} finally {
  broker.send('stop')
  await once(broker, 'exit')
  await sandbox.close()
  await dying.close()
  await rm(directory, { recursive: true, force: true })
}
