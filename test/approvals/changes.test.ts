/** Who watches a task hears of each change once, and holds no place longer than they watch. */
import { expect, test } from 'vitest'
import { Changes } from '../../src/tasks/changes.ts'

const event = (task: string) => ({ at: 0, type: 'task.ended', actor: 'broker', task }) as const
const patient = () => new AbortController().signal

test('a change between watching and asking is not lost, and is told once', async () => {
  const changes = new Changes()
  using watch = changes.watch('task_1')
  changes.announce([event('task_1')])
  expect(await watch.changed(patient())).toBe(true)
  expect(await watch.changed(AbortSignal.abort())).toBe(false)
})

test('a change of another task is none', async () => {
  const changes = new Changes()
  using watch = changes.watch('task_1')
  const limit = new AbortController()
  const changed = watch.changed(limit.signal)
  changes.announce([event('task_2')])
  limit.abort()
  expect(await changed).toBe(false)
})

test('the eleventh is not made to wait, until one of ten has gone', async () => {
  const changes = new Changes()
  const ten = Array.from({ length: 10 }, () => changes.watch('task_1'))
  using eleventh = changes.watch('task_1')
  expect(await eleventh.changed(patient())).toBe(false)
  ten[0]![Symbol.dispose]()
  using next = changes.watch('task_1')
  const changed = next.changed(patient())
  changes.announce([event('task_1')])
  expect(await changed).toBe(true)
})

test('once it is closed, nobody waits', async () => {
  const changes = new Changes()
  using watch = changes.watch('task_1')
  const changed = watch.changed(patient())
  changes.close()
  expect(await changed).toBe(false)
  using late = changes.watch('task_1')
  expect(await late.changed(patient())).toBe(false)
})
