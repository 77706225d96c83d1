/** Very many leases that are due in one second: how long until the last is revoked and tried, beside a bare client's same calls. */
import { Agent, request } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { Client } from './client.ts'
import { type Figures, figures, row, rowHead, workOff } from './figures.ts'
import type { Engine } from './database.ts'
import { type Measured, type Order, together } from './order.ts'
import { detail, otherDetail, probing, startWorld, type Upstream, type World } from './world.ts'

/** What the upstream takes for an answer, and how many it gives at once. */
const delayMs = 20
const slots = 50

/** The calls for `n` tokens, as many at once as upstream answers: all ends, and all looks after them. */
async function bare({ url }: Upstream, n: number): Promise<{ revokedMs: number; probedMs: number }> {
  const agent = new Agent({ keepAlive: true, maxSockets: slots })
  const call = (method: string, path: string, token: string, body?: string) =>
    new Promise<string>((resolve, reject) => {
      const headers = { authorization: `token ${token}` }
      const sent = request(url + path, { method, agent, headers }, (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
        response.on('end', () => resolve(text))
      })
      sent.on('error', reject).end(body)
    })
  const tokens: string[] = []
  const asked = JSON.stringify({ repositories: ['web'], permissions: { contents: 'write' } })
  const mint = async () => {
    const answer = await call('POST', '/app/installations/1/access_tokens', '', asked)
    tokens.push((JSON.parse(answer) as { token: string }).token)
  }
  await workOff(slots, [...Array(n).keys()], mint)
  const started = performance.now()
  await workOff(slots, tokens, (token) => call('DELETE', '/installation/token', token))
  const revokedMs = performance.now() - started
  await workOff(slots, tokens, (token) => call('GET', '/installation/repositories?per_page=1', token))
  agent.destroy()
  return { revokedMs, probedMs: performance.now() - started }
}

/** Leases that all end in the same second, `beside` of them where nothing else is; returns when that is, milliseconds since 1970. */
async function fill(
  world: World,
  client: Client,
  { leases: n, seconds: within }: Pick<Order, 'leases' | 'seconds'>,
  beside: number,
): Promise<number> {
  const tokens = await world.tokens(n + beside)
  const end = Math.ceil(Date.now() / 1000) * 1000 + within * 1000
  await workOff(slots, tokens, async (token, left) => {
    const ttl = Math.ceil((end - Date.now()) / 1000)
    if (ttl < 1)
      throw new Error('this machine is too slow for so many leases; ask for fewer, or more --seconds')
    await client.exchange(token, left < beside ? otherDetail : detail, ttl)
  })
  return end
}

/** How long after its deadline each of `n` leases was seen dead, where they come due one after another: milliseconds. */
async function deadlines(world: World, client: Client, n: number): Promise<number[]> {
  const tokens = await world.tokens(n)
  const from = Date.now()
  for (const token of tokens) await client.exchange(token, detail, 2)
  await setTimeout(4_000)
  const ended = await world.database.rows(
    `select deadline, evidence from leases where created_at >= ${from} and status = 'revoked'`,
  )
  if (ended.length < n) throw new Error(`only ${ended.length} of ${n} were seen dead`)
  return ended.map(({ deadline, evidence }) => {
    const { at } = JSON.parse(String(evidence)) as { at: number }
    return at - Number(deadline)
  })
}

export async function drain(order: Order): Promise<Measured> {
  const each: Measured[] = []
  for (const engine of order.engines) each.push(await drainOn(engine, order))
  return together(order.engines, each)
}

interface Drained {
  revokedMs: number
  probedMs: number
  all: boolean
  ready: Figures
  mints: Figures
  failures: number
}

/** Of what is due somewhere that hangs, so many beside. */
const hanging = 100

/** Ends `leases` that are due in one second, beside some at an upstream that hangs or none. */
async function drained(world: World, order: Order, longestMs: number, beside: number): Promise<Drained> {
  const { leases } = order
  const client = new Client(world.url, true)
  const end = await fill(world, client, order, beside)
  if (beside > 0) world.other.send('hang')
  world.upstream.send('reset')
  await setTimeout(Math.max(0, end - Date.now()))
  const health = probing(`${world.url}/readyz`, 20)
  const mints: number[] = []
  const tokens = await world.tokens(Math.ceil(longestMs / 2_000) + 100)
  let { revoked, probed, lastRevoked, lastProbed } = await world.upstream.report()
  while ((revoked < leases || probed < leases) && Date.now() < end + longestMs) {
    const token = tokens.pop()
    const began = performance.now()
    if (token) await client.exchange(token, detail, 600)
    if (token) mints.push(performance.now() - began)
    await setTimeout(100)
    ;({ revoked, probed, lastRevoked, lastProbed } = await world.upstream.report())
  }
  const ready = await health.stop()
  client.close()
  return {
    revokedMs: lastRevoked - end,
    probedMs: lastProbed - end,
    all: revoked >= leases && probed >= leases,
    ready: figures(ready.series),
    mints: figures(mints),
    failures: ready.failures + client.failures,
  }
}

async function drainOn(engine: Engine, order: Order): Promise<Measured> {
  const { leases, clients } = order
  await using world = await startWorld({ engine, delay: delayMs, slots })
  const client = new Client(world.url, true)
  const late = await deadlines(world, client, Math.min(200, leases))
  client.close()
  const floor = await bare(world.upstream, leases)
  const longestMs = 20 * floor.probedMs
  const well = await drained(world, order, longestMs, 0)
  const beside = await drained(world, order, longestMs, Math.min(hanging, leases))
  const ratios = {
    revoked: well.revokedMs / floor.revokedMs,
    probed: well.probedMs / floor.probedMs,
    revokedBeside: beside.revokedMs / well.revokedMs,
    probedBeside: beside.probedMs / well.probedMs,
  }
  const failures = client.failures + well.failures + beside.failures
  const all = well.all && beside.all
  const line = (what: string, ms: number, ratio: number, of: string, ofMs: number) =>
    `the last ${what} after ${(ms / 1000).toFixed(2)} s, ${ratio.toFixed(2)} of ${of} ${(ofMs / 1000).toFixed(2)} s`
  return {
    result: { leases, clients, floor, well, beside, ratios, late: figures(late), failures },
    lines: [
      `${leases} leases due in one second; upstream takes ${delayMs} ms, ${slots} at once\n`,
      line('revoked', well.revokedMs, ratios.revoked, "a bare client's", floor.revokedMs),
      line('tried', well.probedMs, ratios.probed, "a bare client's", floor.probedMs),
      `beside ${Math.min(hanging, leases)} at an upstream that hangs:`,
      line('revoked', beside.revokedMs, ratios.revokedBeside, 'those', well.revokedMs),
      line('tried', beside.probedMs, ratios.probedBeside, 'those', well.probedMs),
      `\n${rowHead}`,
      row('from the deadline until it was seen dead, before', figures(late)),
      row('/readyz meanwhile, on new connections', well.ready),
      row('an exchange meanwhile', well.mints),
      row('/readyz beside what hangs', beside.ready),
      row('an exchange beside what hangs', beside.mints),
      ...(all ? [] : ['not all of them were revoked and tried']),
    ],
    failed: failures > 0 || !all,
  }
}
