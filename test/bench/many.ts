/** One broker and three on a PostgreSQL database of their own each: what a cycle costs them and the server, and how far the turn to write is taken. */
import { setTimeout } from 'node:timers/promises'
import pg from 'pg'
import { Client } from './client.ts'
import { load, median } from './figures.ts'
import type { Measured, Order } from './order.ts'
import { detail, startWorld, type World } from './world.ts'

/** Rounds of each, interleaved: what else the machine does hits all of them alike. */
const rounds = 5
const fewClients = 20
const counts = [1, 3]
/** How often it is looked who has the turn. */
const lookMs = 20

/** Who has the turn, and who waits for it: `mayg` in `src/store/postgres-writing.ts`. */
const turns = `select count(*) filter (where granted)::int as held, count(*) filter (where not granted)::int as waiting
  from pg_locks where locktype = 'advisory' and classid = 1835104615`

interface Round {
  perSecond: number
  /** Milliseconds of CPU a cycle. */
  brokers: number
  server: number
  /** Group commits a cycle. */
  commits: number
  /** Of the time, that the turn to write was taken; and how many brokers waited for it meanwhile. */
  taken: number
  waiting: number
}

async function round(world: World, { clients, seconds }: Pick<Order, 'clients' | 'seconds'>): Promise<Round> {
  const tokens = await world.tokens(Math.ceil(seconds * 100))
  const client = new Client(world.url, true, world.ports)
  const counted = async () => ({
    brokers: (await world.usage()).cpu,
    server: await world.database.cpu(),
    commits: Number((await world.database.rows('select commits from audit_head'))[0]!['commits']),
  })
  const before = await counted()
  const looking = watching(world)
  let done = 0
  const started = performance.now()
  await load(clients, started + seconds * 1000, async () => {
    const { complete } = await client.begin(tokens.pop() ?? (await world.tokens(1))[0]!, detail)
    await complete()
    done += 1
  })
  const elapsed = (performance.now() - started) / 1000
  const seen = await looking.stop()
  const after = await counted()
  client.close()
  return {
    perSecond: done / elapsed,
    brokers: (after.brokers - before.brokers) / done,
    server: (after.server - before.server) / done,
    commits: (after.commits - before.commits) / done,
    ...seen,
  }
}

function watching({ database }: World) {
  let over = false
  const looks: { held: number; waiting: number }[] = []
  const watch = async () => {
    const client = new pg.Client({ connectionString: database.setting })
    await client.connect()
    for (; !over; await setTimeout(lookMs)) {
      const { rows } = await client.query<{ held: number; waiting: number }>(turns)
      looks.push(rows[0]!)
    }
    await client.end()
  }
  const watched = watch()
  const mean = (of: 'held' | 'waiting') => looks.reduce((sum, look) => sum + look[of], 0) / looks.length
  return {
    async stop() {
      over = true
      await watched
      return { taken: mean('held'), waiting: mean('waiting') }
    },
  }
}

export async function many({ clients, seconds }: Order): Promise<Measured> {
  await using opened = new AsyncDisposableStack()
  const worlds: World[] = []
  for (const brokers of counts) worlds.push(opened.use(await startWorld({ engine: 'postgres', brokers })))
  for (const { database } of worlds) await database.settle()
  const loads = [...new Set([Math.min(clients, fewClients), clients])].map((each) => ({
    clients: each,
    seconds: Math.max(1, seconds / rounds),
  }))
  // Each process compiles for itself, and takes a thousand cycles to have done so.
  for (const [at, world] of worlds.entries())
    await round(world, { clients: fewClients, seconds: seconds * counts[at]! })
  const lines: string[] = []
  const result: unknown[] = []
  for (const each of loads) {
    const series = worlds.map((): Round[] => [])
    for (let n = 0; n < rounds; n += 1)
      for (const [at, world] of worlds.entries()) series[at]!.push(await round(world, each))
    lines.push(
      `${each.clients} clients, ${rounds} rounds of ${each.seconds} s, interleaved; medians\n`,
      `${''.padEnd(16)}cycles a second   CPU ms: brokers   server   commits   turn taken   waiting   full at`,
      ...series.map((of, at) => line(counts[at]!, of)),
      '',
    )
    result.push({ clients: each.clients, series })
  }
  return { lines, result, failed: false }
}

function line(brokers: number, of: readonly Round[]): string {
  const mid = (name: keyof Round) => median(of.map((each) => each[name]))
  const cell = (value: number, digits: number, width: number) => value.toFixed(digits).padStart(width)
  return [
    `${brokers} broker${brokers > 1 ? 's' : ''}`.padEnd(16),
    cell(mid('perSecond'), 0, 15),
    cell(mid('brokers'), 2, 18),
    cell(mid('server'), 2, 9),
    cell(mid('commits'), 2, 10),
    cell(mid('taken') * 100, 0, 12),
    '%',
    cell(mid('waiting'), 2, 9),
    cell(mid('perSecond') / mid('taken'), 0, 10),
  ].join('')
}
