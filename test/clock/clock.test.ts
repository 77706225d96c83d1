import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { atMost, type Clock, pause, systemClock, type Timer, withinLimit } from '../../src/base/clock.ts'
import { manualClock } from '../support/clock.ts'

const day = 24 * 3_600_000

describe('the machine’s clock', () => {
  let wall = Date.parse('2026-11-02T12:00:00Z')
  let monotonic = 1000.25
  const pass = (ms: number) => {
    wall += ms
    monotonic += ms
  }
  beforeEach(() => {
    vi.spyOn(Date, 'now').mockImplementation(() => Math.floor(wall))
    vi.spyOn(performance, 'now').mockImplementation(() => monotonic)
  })
  afterEach(() => vi.restoreAllMocks())

  it('tells whole milliseconds since 1970', () => {
    const clock = systemClock()
    expect(clock.now()).toBe(Math.floor(wall))
    pass(0.5)
    expect(Number.isInteger(clock.now())).toBe(true)
  })

  it('does not go back when the wall clock is set back, and goes on meanwhile', () => {
    const clock = systemClock()
    const before = clock.now()
    wall -= 3_600_000
    expect(clock.now()).toBe(before)
    pass(1500)
    expect(clock.now()).toBe(before + 1500)
  })

  it('does not stand still when it is asked many times a millisecond', () => {
    const clock = systemClock()
    const before = clock.now()
    wall -= 3_600_000
    for (let n = 0; n < 10_000; n += 1) {
      pass(0.1)
      clock.now()
    }
    expect(clock.now() - before).toBeGreaterThanOrEqual(999)
    expect(clock.now() - before).toBeLessThanOrEqual(1001)
  })

  it('goes forward with the wall clock, and stays there when that is undone', () => {
    const clock = systemClock()
    const before = clock.now()
    wall += 3_600_000
    expect(clock.now()).toBe(before + 3_600_000)
    wall -= 3_600_000
    pass(10)
    expect(clock.now()).toBe(before + 3_600_010)
  })

  it('goes on from a time that it is told was reached, until the wall clock shows more', () => {
    const clock = systemClock()
    const before = clock.now()
    clock.notBefore(before + 3_600_000)
    expect(clock.now()).toBe(before + 3_600_000)
    clock.notBefore(before)
    pass(1500)
    expect(clock.now()).toBe(before + 3_601_500)
    wall += 7_200_000
    expect(clock.now()).toBe(Math.floor(wall))
  })

  it('never goes back, whatever the wall clock does', () => {
    const clock = systemClock()
    let last = clock.now()
    // Deterministic, and with every fraction of a millisecond in it.
    for (let n = 1; n < 5000; n += 1) {
      wall += Math.sin(n) * 40
      monotonic += Math.abs(Math.cos(n * 7)) / 3
      const now = clock.now()
      expect(now).toBeGreaterThanOrEqual(last)
      last = now
    }
  })
})

describe('a timer of the machine’s clock', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
  afterEach(() => void vi.useRealTimers())

  it('beyond 24.8 days does not fire at once, but when its time has come', async () => {
    const fired = vi.fn()
    systemClock().after(60 * day, fired)
    await vi.advanceTimersByTimeAsync(60 * day - 1)
    expect(fired).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(fired).toHaveBeenCalledOnce()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('beyond 24.8 days can be cancelled in each of its parts', async () => {
    const fired = vi.fn()
    const [early, late] = [systemClock().after(60 * day, fired), systemClock().after(60 * day, fired)]
    early.cancel()
    await vi.advanceTimersByTimeAsync(30 * day)
    late.cancel()
    late.cancel()
    expect(vi.getTimerCount()).toBe(0)
    await vi.advanceTimersByTimeAsync(60 * day)
    expect(fired).not.toHaveBeenCalled()
  })

  it('fires at once when its time is over already', async () => {
    const fired = vi.fn()
    systemClock().after(-5, fired)
    await vi.advanceTimersByTimeAsync(0)
    expect(fired).toHaveBeenCalledOnce()
  })
})

describe('a time limit', () => {
  /** A manual clock that knows which of its timers are armed. */
  function watched(): Clock & { armed: Set<Timer>; advance(ms: number): Promise<void> } {
    const clock = manualClock()
    const armed = new Set<Timer>()
    return {
      armed,
      now: clock.now,
      idle: clock.idle,
      advance: clock.advance,
      after(ms, fn) {
        const timer = clock.after(ms, () => {
          armed.delete(handle)
          fn()
        })
        const handle = {
          cancel() {
            armed.delete(handle)
            timer.cancel()
          },
        }
        armed.add(handle)
        return handle
      },
    }
  }

  it('aborts the work’s signal when it is over, and not before', async () => {
    const clock = watched()
    const working = withinLimit(
      clock,
      1000,
      (signal) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    )
    const outcome = expect(working).rejects.toMatchObject({
      name: 'TimeoutError',
      message: 'no answer within 1000 ms',
    })
    await clock.advance(999)
    expect(clock.armed.size).toBe(1)
    await clock.advance(1)
    await outcome
    expect(clock.armed.size).toBe(0)
  })

  it('leaves no timer behind, whether the work is done or fails', async () => {
    const clock = watched()
    expect(await withinLimit(clock, 1000, async () => 'done')).toBe('done')
    const failing = withinLimit(clock, 1000, async () => Promise.reject(new Error('failed')))
    await expect(failing).rejects.toThrow('failed')
    await atMost(clock, 1000, Promise.resolve())
    await expect(atMost(clock, 1000, Promise.reject(new Error('failed')))).rejects.toThrow('failed')
    expect(clock.armed.size).toBe(0)
  })

  it('on waiting lets the work go on', async () => {
    const clock = watched()
    const work = Promise.withResolvers<void>()
    let waited = false
    const waiting = atMost(clock, 1000, work.promise).then(() => (waited = true))
    await clock.advance(999)
    expect(waited).toBe(false)
    await clock.advance(1)
    await waiting
    // A failure that comes too late for anybody to see must not end the process.
    work.reject(new Error('late'))
    await clock.advance(1)
  })

  it('is what a pause waits for', async () => {
    const clock = watched()
    const over = vi.fn()
    const pausing = pause(clock, 500).then(over)
    await clock.advance(499)
    expect(over).not.toHaveBeenCalled()
    await clock.advance(1)
    await pausing
    expect(clock.armed.size).toBe(0)
  })
})
