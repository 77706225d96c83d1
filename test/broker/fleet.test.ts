/** The brokers on one store: when what was opened under another configuration is decided afresh. */
import { expect, it } from 'vitest'
import { Fleet } from '../../src/broker/fleet.ts'
import { silentLog } from '../../src/store/own-store.ts'

/** A fleet as one broker of it sees it, by the configurations of all, its own first. */
function fleetOf(...first: string[]) {
  let configurations = first
  let reviews = 0
  const fleet = new Fleet({
    living: () =>
      configurations.map((configuration, at) => ({ id: String(at), version: '1', configuration })),
    self: () => '0',
    own: () => configurations[0]!,
    review: async () => void (reviews += 1),
    log: silentLog,
  })
  fleet.changed()
  /** How often all is decided afresh for it. */
  return (next: string[], inherits = false) => {
    const before = reviews
    configurations = next
    fleet.changed(inherits)
    return reviews - before
  }
}

it('a broker that is alone decides nothing a second time for its own reload', () => {
  const become = fleetOf('one')
  expect(become(['one'])).toBe(0)
  expect(become(['two'])).toBe(0)
})

it('beside others it does: they open tasks under what they have', () => {
  const become = fleetOf('one', 'one')
  expect(become(['two', 'one'])).toBe(1)
  expect(become(['two', 'one'])).toBe(0)
  expect(become(['three', 'one'])).toBe(1)
})

it.each([
  ['left since', ['one', 'one'], false],
  ['was never seen, but left work', ['one'], true],
] as const)('it does for one that %s', (_what, first, inherits) => {
  const become = fleetOf(...first)
  expect(become(['two'], inherits)).toBe(1)
})

it('what others come with, or have no longer, is a reason', () => {
  const become = fleetOf('one')
  expect(become(['one', 'two'])).toBe(1)
  expect(become(['one', 'two', 'three'])).toBe(1)
  expect(become(['one', 'three'])).toBe(1)
  expect(become(['one', 'one'])).toBe(1)
})

it('each says in its own log which one it is: an id tells nobody a machine', () => {
  const told: unknown[] = []
  const log = { ...silentLog, info: (facts: object, text: string) => void told.push({ ...facts, text }) }
  const living = ['a', 'b', 'c'].map((id) => ({ id, version: '1', configuration: 'one' }))
  const given = {
    living: () => living,
    self: () => 'b',
    own: () => 'one',
    review: async () => undefined,
    log,
  }
  new Fleet(given).changed()
  expect(told).toEqual([
    expect.objectContaining({ broker: 'a', text: 'a broker has joined' }),
    expect.objectContaining({ broker: 'b', text: 'this broker has joined' }),
    expect.objectContaining({ broker: 'c', text: 'a broker has joined' }),
  ])
})
