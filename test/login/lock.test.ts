/** One process at a time, whatever became of the one before. */
import { mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { underLock } from '../../src/client/login/lock.ts'
import { manualClock } from '../support/clock.ts'

let path: string
beforeEach(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'mayfly-lock-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  path = join(directory, 'lock')
})

const clock = systemClock()

test('of many at once one works at a time, and nothing is left behind', async () => {
  let [working, most, done] = [0, 0, 0]
  const work = async () => {
    most = Math.max(most, (working += 1))
    await new Promise((resolve) => setTimeout(resolve, 5))
    working -= 1
    done += 1
  }
  await Promise.all(Array.from({ length: 8 }, () => underLock(path, clock, work)))
  expect({ most, done }).toEqual({ most: 1, done: 8 })
  expect(await readdir(join(path, '..'))).toEqual([])
})

test('what fails lets the next one in', async () => {
  await expect(underLock(path, clock, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(await underLock(path, clock, () => Promise.resolve('yes'))).toBe('yes')
})

test.each([
  ['of a process that is gone', '2147483000 x'],
  ['that says nothing of a process', 'nonsense'],
])('a lock %s keeps nobody out', async (_what, content) => {
  await writeFile(path, content)
  let working = 0
  const work = async () => {
    expect((working += 1)).toBe(1)
    await new Promise((resolve) => setTimeout(resolve, 5))
    working -= 1
  }
  await Promise.all(Array.from({ length: 4 }, () => underLock(path, clock, work)))
})

test('nor does one that nobody has touched for long, whose number is another process’s by now', async () => {
  await writeFile(path, `${process.pid} x`)
  await utimes(path, 0, 0)
  expect(await underLock(path, clock, () => Promise.resolve('yes'))).toBe('yes')
})

test('one whose holder works on stays its own, however long that takes', async () => {
  const time = manualClock()
  let finish!: () => void
  const first = underLock(path, time, () => new Promise<void>((resolve) => (finish = resolve)))
  await expect.poll(() => finish).toBeDefined()
  await utimes(path, 0, 0)
  await time.advance(10_000)
  await expect.poll(async () => (await stat(path)).mtimeMs).toBeGreaterThan(Date.now() - 60_000)
  let entered = false
  const second = underLock(path, clock, () => Promise.resolve((entered = true)))
  await expect.poll(async () => (await readdir(join(path, '..'))).length).toBe(3)
  expect(entered).toBe(false)
  finish()
  await Promise.all([first, second])
  expect(entered).toBe(true)
})
