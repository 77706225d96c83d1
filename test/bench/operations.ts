/** The exchange, and the cycle of open, mint and complete: CPU and time beside the floor. */
import { Client } from './client.ts'
import { engineNames } from './database.ts'
import type { Commits } from './floor.ts'
import { type Figures, figures, load, median, row, rowHead } from './figures.ts'
import type { Measured, Order } from './order.ts'
import { detail, measureFloor, otherDetail, probing, startWorld, type World } from './world.ts'

type Load = Pick<Order, 'clients' | 'seconds'>

/** Rounds of each, interleaved: what else the machine does hits all of them alike. */
const rounds = 5
/** Enough to keep broker and upstream busy; what each waits for then is mostly its own work. */
const fewClients = 20

type Work = (client: Client, token: string) => Promise<unknown>

const exchange: Work = (client, token) => client.exchange(token, detail)
const cycle: Work = async (client, token) => (await client.begin(token, detail)).complete()

interface Round {
  perSecond: number
  /** Of the broker, or of the floor: user and system, milliseconds an operation. */
  cpu: number
  took: number[]
}

async function round(world: World, work: Work, { clients, seconds }: Load, kept = true): Promise<Round> {
  const tokens = await world.tokens(Math.ceil(seconds * 1000))
  const client = new Client(world.url, kept)
  const took: number[] = []
  const before = await world.usage()
  const started = performance.now()
  await load(clients, started + seconds * 1000, async () => {
    const token = tokens.pop() ?? (await world.tokens(1))[0]!
    const begun = performance.now()
    await work(client, token)
    took.push(performance.now() - begun)
  })
  const elapsed = (performance.now() - started) / 1000
  const { cpu } = await world.usage()
  client.close()
  return { perSecond: took.length / elapsed, cpu: (cpu - before.cpu) / took.length, took }
}

async function floor(world: World, commits: Commits, { clients, seconds }: Load): Promise<Round> {
  const [token] = await world.tokens(1)
  const { series, cpu } = await measureFloor(world, { token: token!, commits, clients, seconds })
  return { perSecond: series.length / seconds, cpu: cpu / series.length, took: series }
}

/** How long it takes from the order to the evidence: the cycle's last call. */
async function endings(world: World, { clients, seconds }: Load): Promise<number[]> {
  const tokens = await world.tokens(Math.ceil(seconds * 300))
  const client = new Client(world.url, true)
  const took: number[] = []
  await load(clients, performance.now() + seconds * 1000, async () => {
    const { complete } = await client.begin(tokens.pop() ?? (await world.tokens(1))[0]!, detail)
    const begun = performance.now()
    await complete()
    took.push(performance.now() - begun)
  })
  client.close()
  return took
}

/** What is measured once: the broker under many clients, and beside an upstream that hangs. */
async function busy(world: World, few: Load, many: Load) {
  const health = probing(`${world.url}/healthz`, 20)
  const exchanges = await round(world, exchange, many)
  const probed = await health.stop()
  const cycles = await round(world, cycle, many)

  const client = new Client(world.url, true)
  const well = await endings(world, few)
  const tokens = await world.tokens(200)
  const held = await Promise.all(tokens.map((token) => client.begin(token, otherDetail)))
  world.other.send('hang')
  const ending = Promise.all(held.map(({ complete }) => complete()))
  const beside = await endings(world, few)
  await ending
  client.close()

  const { alive } = await world.upstream.report()
  const { rss } = await world.usage()
  const times: [string, Figures][] = [
    [`exchange, ${many.clients} clients`, figures(exchanges.took)],
    ['  /healthz meanwhile, on new connections', figures(probed.series)],
    [`cycle, ${many.clients} clients`, figures(cycles.took)],
    ['revoked and probed, all upstreams well', figures(well)],
    ['  beside an upstream that hangs', figures(beside)],
  ]
  return {
    perSecond: { exchange: exchanges.perSecond, cycle: cycles.perSecond },
    times,
    failures: probed.failures,
    alive,
    rss,
  }
}

const works = {
  exchange: (world: World, few: Load) => round(world, exchange, few),
  'exchange, new connections': (world: World, few: Load) => round(world, exchange, few, false),
  cycle: (world: World, few: Load) => round(world, cycle, few),
}
type Name = keyof typeof works
const names = Object.keys(works) as Name[]

export async function operations({ clients, seconds, engines }: Order): Promise<Measured> {
  await using opened = new AsyncDisposableStack()
  const worlds: World[] = []
  for (const engine of engines) worlds.push(opened.use(await startWorld({ engine })))
  const few = { clients: Math.min(clients, fewClients), seconds: Math.max(1, seconds / rounds) }
  for (const world of worlds)
    for (const work of [exchange, cycle]) await round(world, work, { ...few, seconds: 2 })

  const floors: Record<Commits, Round[]> = { shared: [], own: [] }
  const series = worlds.map((): Record<Name, Round[]> => ({
    exchange: [],
    'exchange, new connections': [],
    cycle: [],
  }))
  for (let n = 0; n < rounds; n += 1) {
    for (const commits of ['shared', 'own'] as const)
      floors[commits].push(await floor(worlds[0]!, commits, few))
    for (const name of names)
      for (const [at, world] of worlds.entries()) series[at]![name].push(await works[name](world, few))
  }
  const cpuTo = (to: readonly Round[], of: readonly Round[]) =>
    median(of.map(({ cpu }, n) => cpu / to[n]!.cpu))
  const line = (name: string, of: readonly Round[], first?: readonly Round[]) =>
    [
      name.padEnd(38),
      median(of.map(({ perSecond }) => perSecond))
        .toFixed(0)
        .padStart(12),
      median(of.map(({ cpu }) => cpu))
        .toFixed(3)
        .padStart(14),
      cpuTo(floors.own, of).toFixed(2).padStart(15),
      cpuTo(floors.shared, of).toFixed(2).padStart(17),
      first ? cpuTo(first, of).toFixed(2).padStart(13) : '',
    ].join('')

  const lines = [
    `${few.clients} clients, ${rounds} rounds of ${few.seconds} s, interleaved; medians\n`,
    `${''.padEnd(38)} each second   CPU ms each   to the floor   commits shared${worlds.length > 1 ? '    to SQLite' : ''}`,
    line('floor', floors.own),
    line('  commits shared', floors.shared),
  ]
  for (const name of names)
    for (const [at, engine] of engines.entries())
      lines.push(
        line(`${name}, ${engineNames[engine]}`, series[at]![name], at > 0 ? series[0]![name] : undefined),
      )

  const result: Record<string, unknown> = {
    clients,
    seconds,
    floor: median(floors.own.map(({ cpu }) => cpu)),
    floorShared: median(floors.shared.map(({ cpu }) => cpu)),
  }
  let failed = false
  for (const [at, engine] of engines.entries()) {
    const of = series[at]!
    const newConnections = cpuTo(of.exchange, of['exchange, new connections'])
    const under = await busy(worlds[at]!, few, { clients, seconds })
    failed ||= under.failures > 0
    result[engine] = {
      cpu: Object.fromEntries(names.map((name) => [name, median(of[name].map(({ cpu }) => cpu))])),
      perSecond: Object.fromEntries(
        names.map((name) => [name, median(of[name].map(({ perSecond }) => perSecond))]),
      ),
      toFloor: Object.fromEntries(names.map((name) => [name, cpuTo(floors.own, of[name])])),
      toFloorShared: Object.fromEntries(names.map((name) => [name, cpuTo(floors.shared, of[name])])),
      toSqlite: Object.fromEntries(names.map((name) => [name, cpuTo(series[0]![name], of[name])])),
      newConnections,
      busy: { ...under, times: Object.fromEntries(under.times) },
    }
    lines.push(
      `\n${engineNames[engine]}: a new connection for each request costs ${newConnections.toFixed(2)} of a kept one's CPU\n`,
      rowHead,
      ...under.times.map(([name, each]) => row(name, each)),
      `\n${under.perSecond.exchange.toFixed(0)} exchanges and ${under.perSecond.cycle.toFixed(0)} cycles a second with ${clients} clients; ${under.failures} failures`,
      `${Math.round(under.rss / 2 ** 20)} MB resident at the end`,
    )
  }
  return { lines, result, failed }
}
