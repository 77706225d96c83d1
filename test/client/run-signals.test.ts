import { afterEach, expect, it, vi } from 'vitest'
import { type Arrival, onSignal } from '../../src/client/run/signals.ts'

const arrivals: Arrival[] = []
const before = process.listenerCount('SIGINT')
const deafen = onSignal((arrival) => void arrivals.push(arrival))
const [listener] = process.listeners('SIGINT').slice(-1)

const time = vi.spyOn(performance, 'now')
const arrive = (signal: NodeJS.Signals, at: number) => {
  time.mockReturnValue(at)
  listener!(signal)
}
afterEach(() => void arrivals.splice(0))

it('one Ctrl-C that npm passes on some milliseconds later counts once, and a later one insists', () => {
  for (const at of [0, 50, 300]) arrive('SIGINT', at)
  expect(arrivals).toMatchObject([{ insists: false }, { insists: true }])
})

it('no other signal insists, however often it comes', () => {
  for (const at of [0, 50, 300]) arrive('SIGTERM', at)
  expect(arrivals).toEqual(
    Array.from({ length: 3 }, () => ({ signal: 'SIGTERM', shared: false, insists: false })),
  )
})

it('once nobody listens any more, signals do what they did before', () => {
  expect(process.listenerCount('SIGINT')).toBe(before + 1)
  deafen()
  expect(process.listenerCount('SIGINT')).toBe(before)
})
