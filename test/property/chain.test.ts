import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { chainable, link, originOf } from '../../src/audit/chain.ts'
import type { AuditEvent, AuditTrail, ChainedEvent } from '../../src/audit/event.ts'
import { eventTypes } from '../../src/audit/event.ts'
import { verifyAudit } from '../../src/audit/verify.ts'
import { note, type StoreSubject, testSeal, verified } from '../support/store.ts'
import { sqliteStore } from '../support/sqlite.ts'

const seal = testSeal()
const origin = originOf('here')
const text = fc.string({ unit: 'grapheme', maxLength: 20 })
const anEvent: fc.Arbitrary<AuditEvent> = fc.record(
  {
    at: fc.nat(),
    type: fc.constantFrom(...eventTypes),
    actor: text.map((name) => `agent:${name}` as const),
    agent: text,
    task: text,
    data: fc.dictionary(text, fc.jsonValue()),
  },
  { requiredKeys: ['at', 'type', 'actor'] },
)

/** The first event that verification names in a chain as it is given, or undefined. */
async function firstBad(chain: ChainedEvent[]): Promise<number | undefined> {
  const trail: Pick<AuditTrail, 'head' | 'origin' | 'page'> = {
    origin: async () => origin,
    head: async () => undefined,
    page: async (_tx, after = -Infinity, limit) => chain.filter(({ seq }) => seq > after).slice(0, limit),
  }
  const nothing = { states: async () => [], faults: async () => [], sealed: async () => [] }
  const given = { trail: trail as AuditTrail, tables: nothing, seal }
  const { discrepancies } = await verifyAudit(undefined as never, given)
  return discrepancies.find(({ message }) => message !== 'the stored head is missing')?.seq
}

it('any two events that change places are found at the first of them', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anEvent, { minLength: 2, maxLength: 12 }),
      fc.nat(),
      fc.nat(),
      async (events, a, b) => {
        const chain = link(seal, origin, events.map(chainable))
        const [first, second] = [a % chain.length, b % chain.length].toSorted((x, y) => x - y) as [
          number,
          number,
        ]
        fc.pre(first !== second)
        expect(await firstBad(chain)).toBeUndefined()
        const swapped = chain.with(first, { ...chain[second]!, seq: first + 1 })
        swapped[second] = { ...chain[first]!, seq: second + 1 }
        expect(await firstBad(swapped)).toBe(first + 1)
      },
    ),
    { numRuns: 60 },
  )
})

it('any event that is left out, with what follows moved up or not, is found at its place', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anEvent, { minLength: 2, maxLength: 12 }),
      fc.nat(),
      fc.boolean(),
      async (events, at, movedUp) => {
        const chain = link(seal, origin, events.map(chainable))
        const gone = at % (chain.length - 1)
        const cut = chain.toSpliced(gone, 1)
        expect(
          await firstBad(movedUp ? cut.map((event, index) => ({ ...event, seq: index + 1 })) : cut),
        ).toBe(gone + 1)
      },
    ),
    { numRuns: 60 },
  )
})

it('a chain cut in two and joined to another of the same key is found at the joint', async () => {
  const some = fc.array(anEvent, { minLength: 3, maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(some, some, fc.integer({ min: 1, max: 2 }), async (mine, other, joint) => {
      const [one, two] = [link(seal, origin, mine.map(chainable)), link(seal, origin, other.map(chainable))]
      fc.pre(one[joint - 1]!.mac !== two[joint - 1]!.mac)
      expect(await firstBad([...one.slice(0, joint), ...two.slice(joint)])).toBe(joint + 1)
    }),
    { numRuns: 40 },
  )
})

let store: StoreSubject
const length = 15
beforeAll(async () => {
  store = await sqliteStore(seal)
  for (let n = 0; n < length; n += 1)
    await store.unit.write(async (tx) => note(store, tx, { n, words: `event ${n}` }))
})
afterAll(() => store[Symbol.asyncDispose]())

it('any column of any stored event, changed to anything else, is found at that event', async () => {
  const quoted = text.map((value) => `'${value.replaceAll("'", "''").replaceAll('\0', '')}'`)
  const changes = fc.oneof(
    fc.tuple(fc.constantFrom('type', 'actor', 'agent', 'owner', 'task', 'lease', 'status', 'mac'), quoted),
    fc.tuple(fc.constant('at'), fc.nat().map(String)),
    fc.tuple(
      fc.constant('data'),
      fc.jsonValue().map((value) => `'${JSON.stringify(value).replaceAll("'", "''")}'`),
    ),
  )
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: length }), changes, async (seq, [column, value]) => {
      await store.beside(
        `create table kept as select * from audit_events;
         update audit_events set ${column} = ${value} where seq = ${seq}`,
      )
      const { discrepancies } = await verified(store)
      await store.beside(
        `delete from audit_events; insert into audit_events select * from kept; drop table kept`,
      )
      expect(discrepancies[0]?.seq).toBe(seq)
      expect((await verified(store)).discrepancies).toEqual([])
    }),
    { numRuns: 60 },
  )
})
