/**
 * What no broker can do without, under the same load and on the same machine:
 * one signature check, one durable commit, one upstream round trip. In a process
 * of its own, like the broker.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { createSeal } from '../../src/base/seal.ts'
import { openSqlite } from '../../src/store/sqlite.ts'
import { usedTokens } from '../../src/store/used-tokens.ts'
import { load } from './figures.ts'

interface Order {
  clients: number
  seconds: number
  token: string
  jwks: Parameters<typeof createLocalJWKSet>[0]
  /** Something upstream that answers 401 at once. */
  upstream: string
}

process.on('message', (order: Order) => {
  void measure(order).then((series) => {
    // A long series is still on its way when `send` returns.
    process.send!(series, () => process.disconnect())
  })
})

async function measure({ clients, seconds, token, jwks, upstream }: Order): Promise<number[]> {
  const directory = await mkdtemp(join(tmpdir(), 'mayfly-floor-'))
  const store = await openSqlite(
    join(directory, 'floor.db'),
    createSeal([{ id: 'k', secret: Buffer.alloc(32) }]),
  )
  const keys = createLocalJWKSet(jwks)
  const series: number[] = []
  let n = 0
  await load(clients, performance.now() + seconds * 1000, async () => {
    const started = performance.now()
    await jwtVerify(token, keys)
    n += 1
    const key = String(n)
    await store.unit.write((tx) => usedTokens.use(tx, key, 0))
    const answer = await fetch(upstream, { headers: { 'User-Agent': 'floor', Authorization: 'token none' } })
    await answer.body?.cancel()
    series.push(performance.now() - started)
  })
  await store.close()
  await rm(directory, { recursive: true, force: true })
  return series
}
