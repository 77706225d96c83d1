/** What a measurement is asked for, and what it gives. */
import { type Engine, engineNames } from './database.ts'

export interface Order {
  clients: number
  seconds: number
  leases: number
  engines: readonly Engine[]
}

export interface Measured {
  lines: string[]
  result: unknown
  failed: boolean
}

/** What was measured on each engine, one under the other. */
export function together(engines: readonly Engine[], each: readonly Measured[]): Measured {
  return {
    lines: engines.flatMap((engine, at) => [`${engineNames[engine]}\n`, ...each[at]!.lines, '']),
    result: Object.fromEntries(engines.map((engine, at) => [engine, each[at]!.result])),
    failed: each.some(({ failed }) => failed),
  }
}
