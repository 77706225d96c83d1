/**
 * What no broker can do without, under the same load and on the same machine: one signature
 * check, two durable commits and one upstream call. Of Node's own parts alone, so that it stays
 * where it is whatever becomes of the broker.
 */
import { createPublicKey, type JsonWebKey, verify } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { load } from './figures.ts'

/** Whether each operation makes two commits of its own, or those that wait at once share them. */
export type Commits = 'own' | 'shared'

interface Order {
  commits: Commits
  clients: number
  seconds: number
  token: string
  key: JsonWebKey
  /** Something upstream that answers at once. */
  upstream: string
}

export interface Floor {
  /** Milliseconds that each took. */
  series: number[]
  /** User and system, milliseconds. */
  cpu: number
}

process.on('message', (order: Order) => {
  void measure(order).then((floor) => {
    // A long series is still on its way when `send` returns.
    process.send!(floor, () => process.disconnect())
  })
})

async function measure({ commits, clients, seconds, token, key, upstream }: Order): Promise<Floor> {
  const directory = await mkdtemp(join(tmpdir(), 'mayfly-floor-'))
  const commit = committers[commits](join(directory, 'floor.db'))
  const agent = new Agent({ keepAlive: true, maxSockets: clients })
  const publicKey = createPublicKey({ key, format: 'jwk' })
  const series: number[] = []
  const once = async () => {
    const started = performance.now()
    const [header, payload, signature] = token.split('.')
    const signed = Buffer.from(`${header}.${payload}`)
    if (!verify('sha256', signed, publicKey, Buffer.from(signature!, 'base64url')))
      throw new Error('not signed')
    JSON.parse(Buffer.from(payload!, 'base64url').toString())
    await commit('intent')
    await call(upstream, agent)
    await commit('record')
    series.push(performance.now() - started)
  }
  await load(clients, performance.now() + 500, once)
  series.length = 0
  const before = process.cpuUsage()
  await load(clients, performance.now() + seconds * 1000, once)
  const { user, system } = process.cpuUsage(before)
  agent.destroy()
  await rm(directory, { recursive: true, force: true })
  return { series, cpu: (user + system) / 1000 }
}

type Commit = (text: string) => Promise<void>

const committers: Record<Commits, (path: string) => Commit> = {
  shared(path) {
    const { database, insert } = opened(path)
    const waiting: { text: string; resolve: () => void }[] = []
    const group = () => {
      const together = waiting.splice(0)
      database.exec('BEGIN IMMEDIATE')
      for (const { text } of together) insert.run(text)
      database.exec('COMMIT')
      for (const { resolve } of together) resolve()
    }
    return (text) =>
      new Promise((resolve) => {
        if (waiting.push({ text, resolve }) === 1) setImmediate(group)
      })
  },
  own(path) {
    const { insert } = opened(path)
    return async (text) => void insert.run(text)
  },
}

function opened(path: string) {
  const database = new DatabaseSync(path)
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE done (id INTEGER PRIMARY KEY, text)',
  )
  return { database, insert: database.prepare('INSERT INTO done (text) VALUES (?)') }
}

function call(url: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, headers: { authorization: 'token none' } }, (response) => {
      response.resume().on('end', resolve)
    })
    sent.on('error', reject).end()
  })
}
