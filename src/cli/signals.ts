/** Ctrl-C, and what else asks a process to stop. */
import { constants } from 'node:os'

/**
 * npm passes on to its script what the terminal has sent to both: one Ctrl-C
 * arrives twice, some milliseconds apart.
 */
const echoMs = 100

/** Resolves with the first SIGINT or SIGTERM. Another one ends the process at once. */
export function untilStopped(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let first: { signal: NodeJS.Signals; at: number } | undefined
    const onSignal = (signal: NodeJS.Signals) => {
      const at = performance.now()
      if (!first) {
        first = { signal, at }
        resolve(signal)
      } else if (signal !== first.signal || at - first.at > echoMs) process.exit(statusOf(signal))
    }
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
  })
}

/** The shells' exit status for a process that a signal has ended. */
export function statusOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}
