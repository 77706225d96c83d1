import { describe, expect, it } from 'vitest'
import { BrokerProblem, BrokerUnreachable, type Client } from '../../src/client/client.ts'
import { KeptCredentials } from '../../src/client/kept.ts'
import { manualClock } from '../support/clock.ts'

const web = { type: 'github', repositories: ['acme/web'], permissions: { contents: 'read' } }
const second = 1_000

/** Credentials that upstream ends after `life` seconds, in a task of `ttl`. `ahead`: of the broker's clock, seconds. */
function keeping({ life = 3600, ttl = 7200, ahead = 0 } = {}) {
  const clock = manualClock()
  const start = clock.now()
  const ends = start + (ttl + ahead) * second
  const alive = new Map<string, { at: number; until: number }>()
  /** What happened, with the seconds since the start. */
  const events: string[] = []
  const note = (what: string) => void events.push(`${(clock.now() - start) / second} ${what}`)
  const broker = { down: false, most: 0, refuses: false, attempts: 0, givenBack: 'revoked' as string | Error }
  const reachable = () =>
    broker.down
      ? Promise.reject(new BrokerUnreachable('it is not there', { outcome: 'unsent' }))
      : Promise.resolve()
  let minted = 0
  const client = {
    async credential() {
      broker.attempts += 1
      await reachable()
      if (broker.refuses) throw new BrokerProblem({ status: 403, code: 'fenced', detail: 'kept out' })
      const [id, now] = [`lease_${(minted += 1)}`, clock.now() + ahead * second]
      const end = now + life * second
      const time = (at: number) => new Date(at).toISOString()
      for (const [lease, { until }] of alive) if (until <= clock.now()) alive.delete(lease)
      alive.set(id, { at: clock.now(), until: clock.now() + life * second })
      broker.most = Math.max(broker.most, alive.size)
      note(`mint ${minted}`)
      return {
        lease: {
          id,
          created_at: time(now),
          deadline: time(Math.min(end, ends)),
          upstream_expires_at: time(end),
        },
        credential: { token: `ghs_${minted}` },
      }
    },
    async giveBack(_task: unknown, lease: string) {
      await reachable()
      if (broker.givenBack instanceof Error) throw broker.givenBack
      if (broker.givenBack === 'revoked') alive.delete(lease)
      note(`give back ${lease.slice('lease_'.length)}`)
      return { status: broker.givenBack }
    },
  } as unknown as Client
  const kept = new KeptCredentials({ client, task: { id: 'task_1', token: 'mft_1' }, clock, ends })
  const get = async () => (await kept.get(web)).credential['token']
  return { clock, kept, get, events, broker, advance: (s: number) => clock.advance(s * second) }
}

describe('a credential that upstream is about to end', () => {
  it('is followed by another, once for all who ask, and given back some seconds later', async () => {
    const { get, events, advance } = keeping()
    expect(await get()).toBe('ghs_1')
    await advance(3500)
    expect(await get()).toBe('ghs_1')
    await advance(60)
    expect(await Promise.all([get(), get(), get()])).toEqual(['ghs_2', 'ghs_2', 'ghs_2'])
    await advance(5)
    expect(events).toEqual(['0 mint 1', '3560 mint 2', '3563 give back 1'])
  })

  it('is renewed without being asked where somebody follows it, and each is told', async () => {
    const { kept, get, events, advance } = keeping({ life: 20, ttl: 50 })
    const told: unknown[] = []
    await get()
    kept.follow(web, ({ credential }) => void told.push(credential['token']))
    await advance(50)
    expect(told).toEqual(['ghs_2', 'ghs_3'])
    expect(events).toEqual(['0 mint 1', '15 mint 2', '18 give back 1', '30 mint 3', '33 give back 2'])
  })

  it('is said to end before it does: who looks at the time asks again while it works', async () => {
    const { kept, clock, advance } = keeping({ life: 20 })
    const { until } = await kept.get(web)
    expect(until - clock.now()).toBe(17 * second)
    await advance(16)
    expect((await kept.get(web)).credential['token']).toBe('ghs_2')
  })

  it.each([300, -300])('whatever the time is at the broker (%i s)', async (ahead) => {
    const { get, advance } = keeping({ life: 20, ahead })
    await get()
    await advance(14)
    expect(await get()).toBe('ghs_1')
    await advance(2)
    expect(await get()).toBe('ghs_2')
  })
})

it('at most two of one scope are alive, however short their lives', async () => {
  const { kept, get, broker, advance } = keeping({ life: 3, ttl: 60 })
  await get()
  kept.follow(web, () => undefined)
  await advance(60)
  expect(broker.most).toBe(2)
})

it.each<[string, string | Error]>([
  ['fails', new BrokerUnreachable('no answer', { outcome: 'unknown' })],
  ['is refused', new BrokerProblem({ status: 422, code: 'provider_rejected', detail: 'no' })],
  ['leaves it alive', 'revoking'],
])(
  'also where giving back %s: what there is does until the one before has ended',
  async (_how, givenBack) => {
    const { kept, get, broker, advance } = keeping({ life: 20, ttl: 7200 })
    broker.givenBack = givenBack
    await get()
    kept.follow(web)
    await advance(16)
    expect(await get()).toBe('ghs_2')
    // A server has refused the second while the first is still there.
    kept.discard('ghs_2')
    await advance(0)
    await expect(get()).rejects.toThrow()
    await advance(6)
    expect(await get()).toBe('ghs_3')
    await advance(60)
    expect(broker.most).toBe(2)
  },
)

it('one that ends with the task is kept to the end: there is no other to be had', async () => {
  const { kept, get, events, advance } = keeping({ ttl: 600 })
  await get()
  kept.follow(web, () => undefined)
  expect(kept.lasts(web)).toBe(true)
  await advance(599)
  expect(await get()).toBe('ghs_1')
  expect(events).toEqual(['0 mint 1'])
})

it('while the broker is away what there is does, and is followed once it is back', async () => {
  const { kept, get, broker, events, advance } = keeping({ life: 20 })
  await get()
  kept.follow(web, () => undefined)
  broker.down = true
  await advance(17)
  expect(await get()).toBe('ghs_1')
  await advance(4)
  await expect(get()).rejects.toThrow('not there')
  broker.down = false
  await advance(1)
  expect(await get()).toBe('ghs_2')
  expect(events.filter((event) => event.includes('mint'))).toHaveLength(2)
})

it('the longer the broker is away, the more seldom it is asked', async () => {
  const { kept, get, broker, advance } = keeping({ life: 20, ttl: 7200 })
  await get()
  kept.follow(web)
  broker.down = true
  await advance(15 + 1 + 2 + 4 + 8 + 16)
  expect(broker.attempts).toBe(1 + 6)
  await advance(300)
  expect(broker.attempts).toBe(1 + 6 + 10)
  broker.down = false
  await advance(30)
  broker.down = true
  broker.attempts = 0
  await advance(20)
  expect(broker.attempts).toBeGreaterThan(1)
})

it('what is refused for good is not asked for again, until somebody asks who gets it', async () => {
  const { kept, get, broker, events, advance } = keeping({ life: 20, ttl: 7200 })
  await get()
  kept.follow(web)
  broker.refuses = true
  await advance(600)
  expect(broker.attempts).toBe(2)
  broker.refuses = false
  await get()
  await advance(16)
  expect(events.filter((event) => event.includes('mint'))).toHaveLength(3)
})

it('one that a server has refused is forgotten, and replaced where somebody follows it', async () => {
  const { kept, get, advance } = keeping()
  const told: unknown[] = []
  await get()
  kept.follow(web, ({ credential }) => void told.push(credential['token']))
  kept.discard('ghs_1')
  await advance(0)
  expect(told).toEqual(['ghs_2'])
  kept.discard('another')
  expect(await get()).toBe('ghs_2')
})

it('one that stands in a variable is not to be given back when a server has refused it', async () => {
  const { kept, get } = keeping({ ttl: 600 })
  await get()
  kept.pin(web)
  expect(kept.discard('ghs_1')).toBe(false)
  expect(await get()).toBe('ghs_2')
  expect(kept.discard('ghs_2')).toBe(true)
})

it('the same scope in another order of its members is the same', async () => {
  const { kept } = keeping()
  const { permissions, ...rest } = web
  const one = await kept.get(web)
  expect(await kept.get({ permissions, ...rest } as never)).toBe(one)
})

it('nothing is renewed any more once the run is over', async () => {
  const { kept, get, events, advance } = keeping({ life: 20 })
  await get()
  kept.follow(web, () => undefined)
  kept[Symbol.dispose]()
  await advance(60)
  expect(events).toEqual(['0 mint 1'])
})
