/** Several stores on one PostgreSQL database, each as a broker of its own has it. */
import type { OwnStore } from '../../src/store/own-store.ts'
import { openPostgres } from '../../src/store/postgres.ts'
import { type ManualClock, manualClock } from './clock.ts'
import { besideDatabase } from './postgres-server.ts'
import { noon, type StoreSubject, testSeal, storeTables } from './store.ts'

export interface Beside extends StoreSubject {
  store: OwnStore
  clock: ManualClock
  /** What it was told by others: tasks, or that it may be any. */
  heard: (readonly string[] | undefined)[]
  /** Each time that others came or went: whether they left work to this one. */
  inherited: boolean[]
  /** Seconds go by in which this one looks for the others, and they may or may not. */
  beat(seconds?: number): Promise<void>
}

/** `configuration`: the digest of the one that it runs with. */
export async function besideOn(url: string, configuration = 'one'): Promise<Beside> {
  const clock = manualClock(noon)
  const heard: Beside['heard'] = []
  const inherited: boolean[] = []
  const seal = testSeal()
  const store = await openPostgres({ url, pool: 4 }, seal, {
    beside: {
      clock,
      version: '1',
      configuration: () => configuration,
      heard: (news) => void heard.push(news),
      changed: (inherits) => void inherited.push(inherits),
    },
  })
  await store.look()
  return {
    store,
    clock,
    heard,
    inherited,
    unit: store.unit,
    ...storeTables,
    seal,
    async beside(sql) {
      await besideDatabase(url, sql)
    },
    async beat(seconds = 1) {
      for (let second = 0; second < seconds; second += 1) {
        await clock.advance(1_000)
        await store.look()
      }
    },
    [Symbol.asyncDispose]: () => store.close(),
  }
}

/** So many at once. */
export async function severalOn(url: string, count: number): Promise<Beside[]> {
  const stores: Beside[] = []
  for (let n = 0; n < count; n += 1) stores.push(await besideOn(url))
  // Those that came first have to see the others too.
  for (const each of stores) await each.store.look()
  return stores
}
