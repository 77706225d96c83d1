/** What is due is one broker's at a time, and another's once that one is gone or gives it back. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { retire } from '../../src/leases/retire.ts'
import { rowsIn } from '../../src/store/transaction.ts'
import { type Beside, besideOn, severalOn } from '../support/beside.ts'
import { embeddedServer, type PostgresServer, serverTakesMs } from '../support/postgres-server.ts'
import { aLease, aTask, hour, noon, put, sound, unanswered } from '../support/store.ts'

let server: PostgresServer
beforeAll(async () => {
  server = await embeddedServer()
}, serverTakesMs)
afterAll(() => server[Symbol.asyncDispose](), serverTakesMs)

async function several(count: number): Promise<Beside[]> {
  const stores = await severalOn(await server.database(), count)
  onTestFinished(async () => {
    for (const { store } of stores) await store.close()
  })
  return stores
}

/** A task and leases of it, as this broker begins them. */
async function begin(by: Beside, ...changed: Parameters<typeof aLease>[1][]) {
  return await by.unit.write(async (tx) => {
    const task = await put(by, tx, aTask({ expiresAt: noon + 1 }))
    const leases = changed.map((change, n) =>
      aLease(task, { secretHash: `${task.id} ${n}`, dueAt: noon + 1, ...change }),
    )
    for (const lease of leases) await by.leases.insert(tx, lease)
    return { task, leases }
  })
}

/** What is due here an hour later. */
async function due(at: Beside) {
  return await at.unit.read(async (tx) => ({
    tasks: (await at.tasks.due(tx, noon + hour, 10)).length,
    leases: (await at.leases.due(tx, noon + hour, () => false)).length,
    next: [await at.tasks.nextDue(tx, noon), await at.leases.nextDue(tx, noon)],
  }))
}

const all = { tasks: 1, leases: 1, next: [noon + 1, noon + 1] }
const nothing = { tasks: 0, leases: 0, next: [undefined, undefined] }

describe('what is due', () => {
  it('is that broker’s which began it, as long as it is there', async () => {
    const [one, other] = (await several(2)) as [Beside, Beside]
    await begin(one, {})
    for (let second = 0; second < 10; second += 1) {
      await one.beat()
      await other.beat()
    }
    expect([await due(one), await due(other)]).toEqual([all, nothing])
  })

  it('is one other’s, and no third’s, once that has been silent for seconds', async () => {
    const [silent, heir, third] = (await several(3)) as [Beside, Beside, Beside]
    await begin(silent, {})
    for (let second = 0; second < 5; second += 1) for (const each of [heir, third]) await each.beat()
    expect([await due(heir), await due(third)]).toEqual([nothing, nothing])
    for (let second = 0; second < 4; second += 1) for (const each of [heir, third]) await each.beat()
    expect([await due(heir), await due(third)]).toEqual([all, nothing])
    expect([heir.inherited.includes(true), third.inherited.includes(true)]).toEqual([true, false])
  })

  it('is not taken over by one that stood still itself, and has seen nobody meanwhile', async () => {
    const [one, frozen] = (await several(2)) as [Beside, Beside]
    await begin(one, {})
    await one.beat()
    await frozen.clock.advance(90_000)
    await frozen.store.look()
    expect(await due(frozen)).toEqual(nothing)
  })

  it('stays the heir’s when the silent one comes back, which then begins anew', async () => {
    const [silent, heir] = (await several(2)) as [Beside, Beside]
    await begin(silent, {})
    await heir.beat(9)
    await silent.beat()
    await heir.beat()
    expect([await due(silent), await due(heir)]).toEqual([nothing, all])
    const { leases } = await begin(silent, {})
    const found = await silent.unit.read((tx) => silent.leases.due(tx, noon + hour, () => false))
    expect(found.map(({ id }) => id)).toEqual(leases.map(({ id }) => id))
    expect(await due(heir)).toEqual(all)
  })

  it('is another’s at once when it is given back', async () => {
    const [leaving, heir] = (await several(2)) as [Beside, Beside]
    await begin(leaving, {})
    await leaving.store.beside!.leave()
    await heir.beat()
    expect(await due(heir)).toEqual(all)
  })

  it('is inherited from an heir too', async () => {
    const [first, second, third] = (await several(3)) as [Beside, Beside, Beside]
    await begin(first, {})
    await first.store.beside!.leave()
    await second.beat()
    await second.store.beside!.leave()
    await third.beat()
    expect(await due(third)).toEqual(all)
  })

  it('is at once that of a broker beside which nobody has the database', async () => {
    const url = await server.database()
    const [gone] = (await severalOn(url, 1)) as [Beside]
    await begin(gone, {})
    await gone.store.close()
    await using next = await besideOn(url)
    expect(await due(next)).toEqual(all)
  })
})

describe('a lease that is being minted', () => {
  it('is not recovered by another while its broker is there, and is once it is gone', async () => {
    const [minting, other] = (await several(2)) as [Beside, Beside]
    await begin(minting, { ...unanswered, dueAt: noon + 30_000 })
    const adopt = (by: Beside) => by.unit.write((tx) => by.leases.adopt(tx, noon + 5_000))
    await minting.beat()
    await other.beat(3)
    expect(await adopt(other)).toBe(0)
    // Nor by its own broker, which still waits for the answer.
    expect(await adopt(minting)).toBe(0)
    await other.beat(6)
    expect(await adopt(other)).toBe(1)
    expect(await adopt(other)).toBe(0)
  })
})

describe('a lease is retired', () => {
  it('by whoever is asked to, who deals with it from then on', async () => {
    const [one, other] = (await several(2)) as [Beside, Beside]
    const { leases } = await begin(one, { dueAt: noon + hour })
    const retired = await other.unit.write((tx) => retireAt(other, tx, leases[0]!.id, noon + 1))
    expect(retired.map(({ id }) => id)).toEqual([leases[0]!.id])
    expect(retired[0]).not.toHaveProperty('elsewhere')
    expect([(await due(one)).leases, (await due(other)).leases]).toEqual([0, 1])
  })

  it.each([
    ['', noon],
    [', though its clock is behind', noon - hour],
  ])('by one, and left to it by another that is asked as well%s', async (_how, at) => {
    const [one, other] = (await several(2)) as [Beside, Beside]
    const { leases } = await begin(one, { dueAt: noon + hour })
    await one.unit.write((tx) => retireAt(one, tx, leases[0]!.id, noon))
    const retired = await other.unit.write((tx) => retireAt(other, tx, leases[0]!.id, at))
    expect(retired).toMatchObject([{ id: leases[0]!.id, elsewhere: true }])
    expect([(await due(one)).leases, (await due(other)).leases]).toEqual([1, 0])
  })

  it.each<[string, Parameters<typeof aLease>[1]]>([
    ['waits after it failed to end it', { attempts: 1, failingSince: noon - 1 }],
    ['waits until it ends by itself', { revocation: 'expiry' }],
  ])('by whoever is asked to, while another that was asked before %s', async (_what, change) => {
    const [one, other] = (await several(2)) as [Beside, Beside]
    const { leases } = await begin(one, { status: 'revoking', dueAt: noon + hour, ...change })
    const retired = await other.unit.write((tx) => retireAt(other, tx, leases[0]!.id, noon))
    expect(retired.map(({ id }) => id)).toEqual([leases[0]!.id])
    expect(retired[0]).not.toHaveProperty('elsewhere')
  })

  it('with its task where another broker is told by its own clock, and is left to that one', async () => {
    const [one, other] = (await several(2)) as [Beside, Beside]
    const { leases } = await begin(one, { dueAt: noon + 1 })
    const retired = await other.unit.write((tx) => retireAt(other, tx, leases[0]!.id, noon + 1))
    expect(retired).toMatchObject([{ id: leases[0]!.id, elsewhere: true }])
    const [found] = await one.unit.read((tx) => one.leases.due(tx, noon + 1, () => false))
    expect(sound(found!)).toMatchObject({ id: leases[0]!.id, status: 'revoking' })
    expect((await due(other)).leases).toBe(0)
  })
})

async function retireAt({ leases, audit }: Beside, tx: Parameters<typeof retire>[1], id: string, at: number) {
  const clock = { now: () => at }
  return await retire({ leases, audit, clock } as never, tx, { id }, { reason: 'a test', actor: 'broker' })
}

it('what is left of a broker that is gone is forgotten once nothing is to be done of it', async () => {
  const [gone, heir] = (await several(2)) as [Beside, Beside]
  const { task, leases } = await begin(gone, {})
  await gone.store.beside!.leave()
  const registered = async () =>
    (await heir.unit.read(async (tx) => rowsIn(tx).where('brokers', "id > ''", []))).length
  await heir.beat(62)
  expect(await registered()).toBe(2)
  expect(await due(heir)).toEqual(all)
  await heir.unit.write(async (tx) => {
    await heir.tasks.end(tx, task.id, 'completed', 'completed', noon)
    await heir.leases.move(tx, leases[0]!.id, 'revoking', {})
    await heir.leases.move(tx, leases[0]!.id, 'revoked', { dueAt: null })
  })
  await heir.beat(62)
  expect(await registered()).toBe(1)
})
