/** A store that another seal key has written is left alone; one that somebody has altered is not mistaken for such. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Tx } from '../../src/base/unit.ts'
import { createSeal, OtherSealKey, type Seal } from '../../src/base/seal.ts'
import type { OwnStore, StoreOptions } from '../../src/store/own-store.ts'
import { openPostgres } from '../../src/store/postgres.ts'
import { openSqlite } from '../../src/store/sqlite.ts'
import { besideOn } from '../support/beside.ts'
import {
  besideDatabase,
  embeddedServer,
  type PostgresServer,
  serverTakesMs,
} from '../support/postgres-server.ts'
import { besideFile, temporaryPath } from '../support/sqlite.ts'
import { noon, sealKey, storeTables, testSeal, verified } from '../support/store.ts'

let server: PostgresServer
beforeAll(async () => {
  server = await embeddedServer()
}, serverTakesMs)
afterAll(() => server[Symbol.asyncDispose](), serverTakesMs)

const recorded = (tx: Tx) =>
  storeTables.audit.record(tx, { at: noon, type: 'broker.started', actor: 'broker' })

interface Place {
  open(seal: Seal, options?: StoreOptions): Promise<OwnStore>
  beside(sql: string): Promise<unknown>
  [Symbol.asyncDispose](): Promise<void>
}

async function sqlite(): Promise<Place> {
  const { path, remove } = await temporaryPath()
  return {
    open: (seal, options) => openSqlite(path, seal, options),
    beside: async (sql) => besideFile(path, sql),
    [Symbol.asyncDispose]: remove,
  }
}

async function postgres(): Promise<Place> {
  const url = await server.database()
  return {
    open: (seal, options) => openPostgres({ url, pool: 4 }, seal, options),
    beside: (sql) => besideDatabase(url, sql),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

/** What the right key's broker left: a record of three events. */
async function leave(place: Place): Promise<void> {
  const store = await place.open(testSeal())
  for (let n = 0; n < 3; n += 1) await store.unit.write(async (tx) => recorded(tx))
  await store.close()
}

/** What the right key's broker finds. */
async function found(place: Place) {
  const seal = testSeal()
  const store = await place.open(seal)
  await store.lookedThrough()
  const { discrepancies } = await verified({ ...storeTables, unit: store.unit, seal } as never)
  const { intrusion } = store
  await store.close()
  return { discrepancies, intrusion }
}

const intact = { discrepancies: [], intrusion: { doubts: [], damaged: [] } }
const otherBytes = () => createSeal([sealKey('k1', 9)])
const otherId = () => createSeal([sealKey('k2', 9)])

/** The same column of the head, the installation and each event, spoilt. */
const spoilt = {
  head: "update audit_head set head_mac = 'x', state = 'k1.x'",
  installation: "update installation set row_mac = 'k1.x'",
  events: "update audit_events set mac = 'x' || seq",
}

describe.each([
  ['SQLite', sqlite],
  ['PostgreSQL', postgres],
])('on %s', (_engine, make) => {
  it.each([
    [
      'other bytes under the same id',
      otherBytes,
      'nothing in the store is under the seal key that is configured as k1',
    ],
    ['another id', otherId, 'the store is under the seal key k1, which is not configured'],
  ])('a key with %s opens nothing, and leaves all as it was', async (_what, seal, message) => {
    await using place = await make()
    await leave(place)
    const refused = place.open(seal())
    await expect(refused).rejects.toThrow(OtherSealKey)
    await expect(refused).rejects.toThrow(message)
    expect(await found(place)).toEqual(intact)
  })

  it('a new key with other bytes is told in spite of what is under the one before', async () => {
    await using place = await make()
    await leave(place)
    const [k1, k2, wrong] = [sealKey('k1', 1), sealKey('k2', 2), sealKey('k2', 9)]
    const store = await place.open(createSeal([k2, k1]))
    await store.unit.write(async (tx) => recorded(tx))
    await store.reseal()
    await store.close()
    await expect(place.open(createSeal([wrong, k1]))).rejects.toThrow('configured as k2')
    await expect(place.open(createSeal([k1, wrong]))).rejects.toThrow('configured as k2')
    await (await place.open(createSeal([k2, k1]))).close()
  })

  it.each([
    ['the head', spoilt.head],
    ['all that tells but the installation', `${spoilt.head}; ${spoilt.events}`],
    ['all that tells but the newest events', `${spoilt.head}; ${spoilt.installation}`],
    ['the name of its key', "update audit_head set key = 'k9', head_mac = 'x'"],
    ['the head, which is gone', 'delete from audit_head'],
  ])('what is altered in %s is a doubt, and ending goes on', async (_what, sql) => {
    await using place = await make()
    await leave(place)
    await place.beside(sql)
    const store = await place.open(testSeal())
    await store.lookedThrough()
    expect(store.intrusion.doubts).not.toEqual([])
    expect(() => store.mayGrant()).toThrow('not as it was left')
    await store.unit.write(async (tx) => recorded(tx))
    await store.close()
  })

  it('where somebody has spoilt all that tells, an explicit order goes on, and grants nothing', async () => {
    await using place = await make()
    await leave(place)
    await place.beside(Object.values(spoilt).join('; '))
    await expect(place.open(testSeal())).rejects.toThrow(OtherSealKey)
    const store = await place.open(testSeal(), { isKeyLost: true })
    await store.lookedThrough()
    expect(() => store.mayGrant()).toThrow('not as it was left')
    await store.close()
    const next = await place.open(testSeal())
    expect(() => next.mayGrant()).toThrow('not as it was left')
    await next.close()
  })

  it('where the key is lost, the store can be accepted under another one', async () => {
    await using place = await make()
    await leave(place)
    const store = await place.open(otherId(), { isKeyLost: true })
    await store.lookedThrough()
    await store.accept((damaged) => ({ at: 0, type: 'store.accepted', actor: 'broker', data: { damaged } }))
    await store.lookedThrough()
    expect(store.intrusion.doubts).toEqual([])
    await store.close()
    const next = await place.open(otherId())
    await next.lookedThrough()
    next.mayGrant()
    await next.close()
  })
})

it('a broker with another key does not disturb those that run, nor may it say that theirs is lost', async () => {
  const url = await server.database()
  await using broker = await besideOn(url)
  await broker.unit.write(async (tx) => recorded(tx))
  const beside = {
    clock: broker.clock,
    version: '1',
    configuration: () => 'one',
    heard: () => undefined,
    changed: () => undefined,
  }
  for (const seal of [otherBytes(), otherId()])
    for (const isKeyLost of [false, true])
      await expect(openPostgres({ url }, seal, { beside, isKeyLost })).rejects.toThrow(OtherSealKey)
  await broker.beat(2)
  await broker.unit.write(async (tx) => recorded(tx))
  broker.store.mayGrant()
  expect((await verified(broker)).discrepancies).toEqual([])
})
