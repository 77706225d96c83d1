import { expect, test } from 'vitest'
import { Turns } from '../../src/http/turns.ts'

test('works of one name run four at a time, in order, and wait for nobody else', async () => {
  const turns = new Turns()
  const started: string[] = []
  const finish: (() => void)[] = []
  const take = (name: string, work: string) =>
    turns.take(name, async () => {
      started.push(work)
      await new Promise<void>((resolve) => finish.push(resolve))
      return work
    })
  const all = ['a', 'b', 'c', 'd', 'e', 'f'].map((work) => take('one', work))
  const other = take('other', 'g')
  expect(started).toEqual(['a', 'b', 'c', 'd', 'g'])
  finish.shift()!()
  expect(await all[0]).toBe('a')
  expect(started.slice(5)).toEqual(['e'])
  while (finish.length > 0) {
    finish.shift()!()
    await new Promise(setImmediate)
  }
  expect(await Promise.all([...all, other])).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g'])
})

test('a work that fails gives its place on', async () => {
  const turns = new Turns()
  const failing = Array.from({ length: 6 }, () => turns.take('one', () => Promise.reject(new Error('no'))))
  expect((await Promise.allSettled(failing)).map(({ status }) => status)).toEqual(Array(6).fill('rejected'))
  expect(await turns.take('one', () => Promise.resolve('yes'))).toBe('yes')
})
