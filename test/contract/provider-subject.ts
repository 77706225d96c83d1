import type { Provider } from '../../src/provider/contract.ts'
import type { ConnectionContext, Minted } from '../../src/provider/upstream.ts'
import type { Faults, RequestLine } from '../../src/sandbox/faults.ts'
import type { Ledger } from '../../src/sandbox/ledger.ts'
import type { ManualClock } from '../support/clock.ts'

/** One provider, its counterpart, and what the suite cannot know by itself. */
export interface Subject<Config, Detail> {
  provider: Provider<Config, Detail>
  config: Config & { name: string }
  /** Where the counterpart is, `http://127.0.0.1:4711`; and the same configuration for what is at another origin. */
  origin: string
  at(origin: string): Config & { name: string }
  context: ConnectionContext
  /** The clock of `context` and of the counterpart. */
  clock: ManualClock
  faults: Faults
  ledger: Ledger
  /** Whether a request is the one that mints; the one that revokes. */
  mints: (request: RequestLine) => boolean
  revokes: (request: RequestLine) => boolean
  /** The ledger's name for a credential. */
  secretOf(minted: Minted): string
  /** A normal detail that this upstream mints; one that asks for less, if there can be; some that each ask for more in one way. */
  detail: Detail
  narrower?: Detail
  wider: Detail[]
  /** The command line's shorthand for `detail`. */
  scope: string
  /** What the configuration keeps secret, in all forms in which it could leak. */
  secrets: string[]
  /** Milliseconds that an `eventual` revocation takes to be in force. */
  propagation?: number
  /** Puts upstream behind with what is new to it, by no more than `lagMs` milliseconds; returns what undoes that. */
  lags?(): () => void
  lagMs?: number
  /** Takes from the broker the right that revoking needs, where it needs one; returns what gives it back. */
  disarm?(): () => void
  close?(): Promise<void>
}
