/** What grows with what lives: the same broker beside a hundredth of the leases, in one run. */
import { setTimeout } from 'node:timers/promises'
import { join } from 'node:path'
import { writeFile } from 'node:fs/promises'
import { stringify } from 'yaml'
import { sandboxWorkload } from '../../src/sandbox/configuration.ts'
import { Client } from './client.ts'
import type { Engine } from './database.ts'
import { figures, row, rowHead, workOff } from './figures.ts'
import { fill, leasesPerTask, subjectOf } from './living.ts'
import { type Measured, type Order, together } from './order.ts'
import { asked, detail, probing, startWorld, type World } from './world.ts'

/** A fiftieth of all leases is of one agent; a tenth of all tasks, with a lease each, is of one that a reload forbids. */
const shareOfMost = 50
const forbidden = 'forbidden-bot'
const others = Array.from({ length: 9 }, (_, n) => `agent-${n}`)
const agents = [forbidden, ...others]

const agentFile = (name: string) =>
  stringify({
    name,
    owner: 'linus@acme.dev',
    purpose: 'bench',
    environment: 'dev',
    review_by: '2099-12-31',
    max_ttl: 7200,
    match: [
      {
        issuer: 'sandbox',
        subject: subjectOf(name),
        claims: { repository_id: sandboxWorkload.repository_id },
      },
    ],
  })
const permits = agents
  .map(
    (name) => `@id("${name}")
permit (principal == Mayfly::Agent::"${name}", action in Mayfly::Action::"write", resource in Mayfly::GithubOwner::"acme");`,
  )
  .join('\n')
const forbids = `@id("no-more")
forbid (principal == Mayfly::Agent::"${forbidden}", action, resource);`

interface Scale {
  leases: number
  readyMs: number
  readyCpu: number
  rss: number
  /** CPU milliseconds of the broker for each. */
  mint: number
  metrics: number
  due: number
  reload: { tasks: number; endedMs: number; health: ReturnType<typeof figures> }
  bytesPerLease: number
}

async function get(url: string): Promise<number> {
  const answer = await fetch(url)
  await answer.arrayBuffer()
  return answer.status
}

async function cpuEach(world: World, times: number, work: () => Promise<unknown>): Promise<number> {
  const before = await world.usage()
  for (let n = 0; n < times; n += 1) await work()
  return ((await world.usage()).cpu - before.cpu) / times
}

/** Ends of what a reload forbids: until when, and what a probe saw meanwhile. */
async function reload(world: World): Promise<Scale['reload']> {
  const open = `select count(*) as n from tasks where agent = '${forbidden}' and status = 'active'`
  const left = async () => Number((await world.database.rows(open))[0]!['n'])
  const tasks = await left()
  await writeFile(join(world.directory, 'policies/no-more.cedar'), forbids)
  const health = probing(`${world.url}/healthz`, 20)
  const began = performance.now()
  const done = asked(world.broker, 'reload')
  while ((await left()) > 0 && performance.now() < began + 600_000) await setTimeout(100)
  const endedMs = performance.now() - began
  const { series } = await health.stop()
  await done
  return { tasks, endedMs, health: figures(series) }
}

async function measure(engine: Engine, leases: number): Promise<Scale> {
  let bytes = 0
  let due = 0
  let began = 0
  await using world = await startWorld({
    engine,
    policies: {
      'policies/many.cedar': permits,
      ...Object.fromEntries(agents.map((name) => [`agents/${name}.yaml`, agentFile(name)])),
    },
    async before(file, issuer, database) {
      due = await fill(file, issuer, {
        leases,
        most: { agent: 'refactor-bot', leases: leases / shareOfMost },
        single: forbidden,
        others,
      })
      bytes = await database.bytes()
      began = performance.now()
    },
  })
  while ((await get(`${world.url}/readyz`)) !== 200) await setTimeout(10)
  const readyMs = performance.now() - began
  const { cpu: readyCpu } = await world.usage()
  // The rest is looked through while the broker serves: what comes after is measured by itself.
  for (let last = -Infinity, now = 0; now - last > 100; await setTimeout(1_000)) {
    last = now
    now = (await world.usage()).cpu
  }
  const client = new Client(world.url, true)
  const exchanges = async (count: number) => {
    const tokens = await world.tokens(count)
    return await cpuEach(world, 1, () => workOff(4, tokens, (token) => client.exchange(token, detail, 600)))
  }
  await exchanges(200)
  const { rss } = await world.usage()
  const mint = (await exchanges(400)) / 400
  const metrics = await cpuEach(world, 100, () => get(`${world.url}/metrics`))
  client.close()
  return {
    leases,
    readyMs,
    readyCpu,
    rss,
    mint,
    metrics,
    due,
    reload: await reload(world),
    bytesPerLease: bytes / leases,
  }
}

export async function scale(order: Order): Promise<Measured> {
  const each: Measured[] = []
  for (const engine of order.engines) each.push(await scaleOn(engine, order))
  return together(order.engines, each)
}

async function scaleOn(engine: Engine, { leases }: Order): Promise<Measured> {
  const few = await measure(engine, Math.max(leasesPerTask * shareOfMost, leases / 100))
  const many = await measure(engine, leases)
  const compared = (name: string, of: (each: Scale) => number, unit: string) =>
    `${name.padEnd(34)}${of(few).toFixed(2).padStart(12)}${of(many).toFixed(2).padStart(12)} ${unit.padEnd(4)}${(of(many) / of(few)).toFixed(2).padStart(8)}`
  return {
    result: { few, many },
    lines: [
      `${few.leases} live leases beside ${many.leases}, a fiftieth of them of one agent, ${leasesPerTask} to a task\n`,
      `${''.padEnd(34)}${'few'.padStart(12)}${'many'.padStart(12)} ${''.padEnd(4)}${'ratio'.padStart(8)}`,
      compared('ready', ({ readyMs }) => readyMs / 1000, 's'),
      compared('  CPU until then', ({ readyCpu }) => readyCpu / 1000, 's'),
      compared('resident', ({ rss }) => rss / 2 ** 20, 'MB'),
      compared('CPU of an exchange', ({ mint }) => mint, 'ms'),
      compared('CPU of a look for what is due', ({ due }) => due, 'ms'),
      compared('CPU of /metrics', ({ metrics }) => metrics, 'ms'),
      compared('on disk, a lease with its events', ({ bytesPerLease }) => bytesPerLease, 'B'),
      compared(`reload: open tasks that it forbids`, (each) => each.reload.tasks, ''),
      compared('  until they had ended', (each) => each.reload.endedMs / 1000, 's'),
      `\n${rowHead}`,
      row('/healthz during the reload, few', few.reload.health),
      row('/healthz during the reload, many', many.reload.health),
    ],
    failed: few.reload.tasks === 0 || many.reload.tasks === 0,
  }
}
