/** The exchange, and the cycle of open, mint and complete: CPU and time beside the floor. */
import { Client } from './client.ts'
import { type Figures, figures, load, median, row } from './figures.ts'
import { detail, measureFloor, otherDetail, probing, startWorld, type World } from './world.ts'

export interface Order {
  clients: number
  seconds: number
  leases: number
}

type Load = Pick<Order, 'clients' | 'seconds'>

export interface Measured {
  lines: string[]
  result: unknown
  failed: boolean
}

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

async function floor(world: World, { clients, seconds }: Load): Promise<Round> {
  const [token] = await world.tokens(1)
  const { series, cpu } = await measureFloor(world, token!, clients, seconds)
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

export async function operations({ clients, seconds }: Load): Promise<Measured> {
  await using world = await startWorld()
  const few = { clients: Math.min(clients, fewClients), seconds: Math.max(1, seconds / rounds) }
  const many = { clients, seconds }
  for (const work of [exchange, cycle]) await round(world, work, { ...few, seconds: 2 })

  const kinds = {
    floor: () => floor(world, few),
    exchange: () => round(world, exchange, few),
    'exchange, new connections': () => round(world, exchange, few, false),
    cycle: () => round(world, cycle, few),
  }
  const series: Record<string, Round[]> = {}
  for (let n = 0; n < rounds; n += 1)
    for (const [name, measure] of Object.entries(kinds)) (series[name] ??= []).push(await measure())
  const cpuOf = (name: keyof typeof kinds) => median(series[name]!.map(({ cpu }) => cpu))
  const ratio = (name: keyof typeof kinds, to: keyof typeof kinds) =>
    median(series[name]!.map(({ cpu }, n) => cpu / series[to]![n]!.cpu))

  const health = probing(`${world.url}/healthz`, 20)
  const busy = await round(world, exchange, many)
  const probed = await health.stop()
  const busyCycle = await round(world, cycle, many)

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
  const names = Object.keys(kinds) as (keyof typeof kinds)[]
  const times: [string, Figures][] = [
    [`exchange, ${clients} clients`, figures(busy.took)],
    ['  /healthz meanwhile, on new connections', figures(probed.series)],
    [`cycle, ${clients} clients`, figures(busyCycle.took)],
    ['revoked and probed, all upstreams well', figures(well)],
    ['  beside an upstream that hangs', figures(beside)],
  ]
  return {
    result: {
      clients,
      seconds,
      cpu: Object.fromEntries(names.map((name) => [name, cpuOf(name)])),
      perSecond: Object.fromEntries(
        names.map((name) => [name, median(series[name]!.map((each) => each.perSecond))]),
      ),
      ratios: {
        exchange: ratio('exchange', 'floor'),
        cycle: ratio('cycle', 'floor'),
        newConnections: ratio('exchange, new connections', 'exchange'),
      },
      times: Object.fromEntries(times),
      failures: probed.failures,
      alive,
      rss,
    },
    lines: [
      `${few.clients} clients, ${rounds} rounds of ${few.seconds} s, interleaved; medians\n`,
      `${''.padEnd(30)}   each second   CPU ms each   to the floor`,
      ...names.map((name) =>
        [
          name.padEnd(30),
          median(series[name]!.map((each) => each.perSecond))
            .toFixed(0)
            .padStart(14),
          cpuOf(name).toFixed(3).padStart(14),
          ratio(name, 'floor').toFixed(2).padStart(15),
        ].join(''),
      ),
      `\na new connection for each request costs ${ratio('exchange, new connections', 'exchange').toFixed(2)} of a kept one's CPU\n`,
      `${'milliseconds'.padEnd(44)}       p50       p95       p99`,
      ...times.map(([name, each]) => row(name, each)),
      `\n${busy.perSecond.toFixed(0)} exchanges and ${busyCycle.perSecond.toFixed(0)} cycles a second with ${clients} clients; ${probed.failures} failures`,
      `${Math.round(rss / 2 ** 20)} MB resident at the end`,
    ],
    failed: probed.failures > 0,
  }
}
