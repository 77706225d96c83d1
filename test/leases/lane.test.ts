import { expect, it } from 'vitest'
import { Lane } from '../../src/leases/lane.ts'

/** A lane whose works end when told to, in the order in which they began. */
function lane(options: { slots: number; batch: number }) {
  const begun: string[][] = []
  const ends: (() => void)[] = []
  let busy = 0
  let busiest = 0
  const made = new Lane<string>({
    room: (running) => running < options.slots,
    batch: options.batch,
    async work(items) {
      begun.push(items)
      busiest = Math.max(busiest, ++busy)
      await new Promise<void>((end) => ends.push(end))
      busy -= 1
    },
  })
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  return {
    begun,
    busiest: () => busiest,
    add: (party: string, ...items: string[]) => Promise.all(items.map((item) => made.add(party, item))),
    turn,
    async endAll() {
      for (;;) {
        await turn()
        const end = ends.shift()
        if (!end) return
        end()
      }
    },
  }
}
const many = (name: string, count: number) => Array.from({ length: count }, (_, index) => `${name}${index}`)

it('never more works run at once than there are slots, and none is forgotten', async () => {
  const queue = lane({ slots: 3, batch: 1 })
  const all = queue.add('a', ...many('a', 20))
  await queue.turn()
  expect(queue.begun).toHaveLength(3)
  await queue.endAll()
  await all
  expect(queue.busiest()).toBe(3)
  expect(queue.begun.flat().toSorted()).toEqual(many('a', 20).toSorted())
})

it('what is added together shares works, up to the size of a batch', async () => {
  const queue = lane({ slots: 5, batch: 10 })
  const all = queue.add('a', ...many('a', 25))
  await queue.endAll()
  await all
  expect(queue.begun.map((items) => items.length)).toEqual([10, 10, 5])
})

it('a party that comes late waits for one turn, not for all that another has added', async () => {
  const queue = lane({ slots: 1, batch: 1 })
  const crowd = queue.add('crowd', ...many('c', 100))
  await queue.turn()
  const single = queue.add('single', 's')
  await queue.endAll()
  await Promise.all([crowd, single])
  expect(queue.begun.findIndex(([item]) => item === 's')).toBeLessThanOrEqual(2)
})

it('parties take turns, and each keeps its own order', async () => {
  const queue = lane({ slots: 1, batch: 1 })
  const all = [queue.add('a', 'a0', 'a1', 'a2'), queue.add('b', 'b0', 'b1'), queue.add('c', 'c0')]
  await queue.endAll()
  await Promise.all(all)
  expect(queue.begun.flat()).toEqual(['a0', 'b0', 'c0', 'a1', 'b1', 'a2'])
})

it('a batch is shared fairly too', async () => {
  const queue = lane({ slots: 1, batch: 4 })
  const all = [queue.add('a', ...many('a', 6)), queue.add('b', 'b0', 'b1')]
  await queue.endAll()
  await Promise.all(all)
  expect(queue.begun).toEqual([
    ['a0', 'b0', 'a1', 'b1'],
    ['a2', 'a3', 'a4', 'a5'],
  ])
})

it('adding resolves when the work on that item is over, and not before', async () => {
  const queue = lane({ slots: 1, batch: 1 })
  let over = false
  const added = queue.add('a', 'a0').then(() => (over = true))
  await queue.turn()
  await queue.turn()
  expect(over).toBe(false)
  await queue.endAll()
  await added
})
