/** Random bytes for nonces and tokens: to draw a few of them costs as much as to draw many. */
import { randomFillSync } from 'node:crypto'

const drawn = Buffer.alloc(4_096)
let used = drawn.length

/** So many fresh bytes from the system's generator, at most 4096, which nobody else is given. */
export function pooledRandomBytes(bytes: number): Buffer {
  if (used + bytes > drawn.length) {
    randomFillSync(drawn)
    used = 0
  }
  const given = Buffer.from(drawn.subarray(used, used + bytes))
  // What was given away is a secret from now on, and not here too.
  drawn.fill(0, used, (used += bytes))
  return given
}
