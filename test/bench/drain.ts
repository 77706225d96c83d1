/** Very many leases that are due in one second: how long until the last is revoked and tried, beside a bare client's same calls. */
import { Agent, request } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { Client } from './client.ts'
import { figures, load, row } from './figures.ts'
import type { Engine } from './database.ts'
import { type Measured, type Order, together } from './order.ts'
import { detail, probing, startWorld, type Upstream, type World } from './world.ts'

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
  const each = async (items: string[], work: (item: string) => Promise<unknown>) => {
    const left = [...items]
    await load(slots, Infinity, async () => {
      const item = left.pop()
      if (item === undefined) throw new Error('done')
      await work(item)
    }).catch((error: unknown) => {
      if ((error as Error).message !== 'done') throw error
    })
  }
  const tokens: string[] = []
  const asked = JSON.stringify({ repositories: ['web'], permissions: { contents: 'write' } })
  await each(
    Array.from({ length: n }, () => ''),
    async () => {
      const answer = await call('POST', '/app/installations/1/access_tokens', '', asked)
      tokens.push((JSON.parse(answer) as { token: string }).token)
    },
  )
  const started = performance.now()
  await each(tokens, (token) => call('DELETE', '/installation/token', token))
  const revokedMs = performance.now() - started
  await each(tokens, (token) => call('GET', '/installation/repositories?per_page=1', token))
  agent.destroy()
  return { revokedMs, probedMs: performance.now() - started }
}

/** Leases that all end in the same second; returns when that is, milliseconds since 1970. */
async function fill(world: World, client: Client, n: number, within: number): Promise<number> {
  const end = Math.ceil(Date.now() / 1000) * 1000 + within * 1000
  const tokens = await world.tokens(n)
  let left = n
  await load(slots, Infinity, async () => {
    if (left-- <= 0) throw new Error('done')
    const ttl = Math.ceil((end - Date.now()) / 1000)
    if (ttl < 1)
      throw new Error('this machine is too slow for so many leases; ask for fewer, or more --seconds')
    await client.exchange(tokens.pop()!, detail, ttl)
  }).catch((error: unknown) => {
    if ((error as Error).message !== 'done') throw error
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

async function drainOn(engine: Engine, { clients, seconds, leases }: Order): Promise<Measured> {
  await using world = await startWorld({ engine, delay: delayMs, slots })
  const client = new Client(world.url, true)
  const late = await deadlines(world, client, Math.min(200, leases))
  const floor = await bare(world.upstream, leases)
  const end = await fill(world, client, leases, seconds)
  world.upstream.send('reset')
  await setTimeout(Math.max(0, end - Date.now()))
  const health = probing(`${world.url}/readyz`, 20)
  const mints: number[] = []
  const tokens = await world.tokens(Math.ceil(floor.probedMs / 100) + 100)
  let { revoked, probed, lastRevoked, lastProbed } = await world.upstream.report()
  while ((revoked < leases || probed < leases) && Date.now() < end + 20 * floor.probedMs) {
    const token = tokens.pop()
    const began = performance.now()
    if (token) await client.exchange(token, detail, 600)
    if (token) mints.push(performance.now() - began)
    await setTimeout(100)
    ;({ revoked, probed, lastRevoked, lastProbed } = await world.upstream.report())
  }
  const ready = await health.stop()
  client.close()
  const revokedMs = lastRevoked - end
  const probedMs = lastProbed - end
  const all = revoked >= leases && probed >= leases
  const ratios = { revoked: revokedMs / floor.revokedMs, probed: probedMs / floor.probedMs }
  const failures = ready.failures + client.failures
  return {
    result: {
      leases,
      clients,
      floor,
      revokedMs,
      probedMs,
      ratios,
      late: figures(late),
      ready: figures(ready.series),
      mints: figures(mints),
      failures,
    },
    lines: [
      `${leases} leases due in one second; upstream takes ${delayMs} ms, ${slots} at once\n`,
      `the last revoked after ${(revokedMs / 1000).toFixed(2)} s, ${ratios.revoked.toFixed(2)} of a bare client's ${(floor.revokedMs / 1000).toFixed(2)} s`,
      `the last tried after   ${(probedMs / 1000).toFixed(2)} s, ${ratios.probed.toFixed(2)} of a bare client's ${(floor.probedMs / 1000).toFixed(2)} s\n`,
      `${'milliseconds'.padEnd(44)}       p50       p95       p99`,
      row('from the deadline until it was seen dead, before', figures(late)),
      row('/readyz meanwhile, on new connections', figures(ready.series)),
      row('an exchange meanwhile', figures(mints)),
      ...(all ? [] : [`only ${revoked} were revoked and ${probed} tried`]),
    ],
    failed: failures > 0 || !all,
  }
}
