/** Chance that can be had again: the same seed, the same draws. */

export interface Chance {
  /** From 0 up to, and without, 1. */
  draw(): number
  /** Whether something of this probability happens. */
  happens(probability: number): boolean
  pick<Value>(values: readonly Value[]): Value
}

/** Mulberry32. */
export function chance(seed: number): Chance {
  let state = seed >>> 0
  const draw = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    draw,
    happens: (probability) => draw() < probability,
    pick: (values) => values[Math.floor(draw() * values.length)]!,
  }
}
