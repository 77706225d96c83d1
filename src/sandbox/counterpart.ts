/** What the sandbox has for each provider: its upstream's strict local counterpart, and how a broker comes to use it. */
import type { Clock } from '../base/clock.ts'
import type { Ledger } from './ledger.ts'
import type { Lifecycle } from './lifecycle.ts'

/** What a broker needs in order to mint at a counterpart. */
export interface Arrangement {
  /** An entry under `providers.TYPE`. */
  connection: Record<string, unknown>
  /** Files that it names: their text by path. */
  files?: Record<string, string>
  /** Cedar, for the sandbox's agent. */
  policies?: string
}

/** Any of them, as it runs. */
interface Server {
  close(): Promise<void>
}

export interface Counterpart<Running extends Server = Server, Settings extends object = object> {
  /** Listens on 127.0.0.1, on any free port unless one is given. */
  start(clock: Clock, ledger: Ledger, settings?: Partial<Settings>, port?: number): Promise<Running>
  /** Has it trust the broker whose `url` this is, where it can be trusted without a secret. */
  arrange(running: Running, url: string): Arrangement
  /** What the demo shows of it, in this order. */
  lifecycles(running: Running): Lifecycle[]
}
