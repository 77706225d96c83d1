/** Time that stands still, for what a commit takes in by time. */
import { vi } from 'vitest'

/** Until it is disposed of, works that are asked for together share a commit, however slow the machine is. */
export function still(): Disposable {
  return vi.spyOn(performance, 'now').mockReturnValue(performance.now())
}
