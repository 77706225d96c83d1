/** Strict local counterparts of what the broker talks to, for the demo, the examples and the tests. */
import { systemClock, type Clock } from '../base/clock.ts'
import type { Counterpart } from './counterpart.ts'
import { type Counterparts, counterparts, type CounterpartType, counterpartTypes } from './counterparts.ts'
import { startIssuer, type SandboxIssuer } from './issuer.ts'
import { createLedger, type Ledger } from './ledger.ts'

type Start<Type extends CounterpartType> = Counterparts[Type]['start']

/** Each provider's counterpart, as it runs. */
type Running = { [Type in CounterpartType]: Awaited<ReturnType<Start<Type>>> }

export interface Sandbox extends Running {
  issuer: SandboxIssuer
  /** Every credential minted by any of the counterparts. */
  ledger: Ledger
  /** Also cuts the connections that still hang. */
  close(): Promise<void>
}

/** `githubPort: 4711`, and settings to start with: `github: { … }`. */
type Options = { clock?: Clock; issuerPort?: number } & {
  [Type in CounterpartType as `${Type}Port`]?: number
} & { [Type in CounterpartType]?: NonNullable<Parameters<Start<Type>>[2]> }

/** Everything listens on 127.0.0.1, on any free port unless one is given. @throws when a port is taken. */
export async function startSandbox(options: Options = {}): Promise<Sandbox> {
  const clock = options.clock ?? systemClock()
  const ledger = createLedger(clock)
  const start = (type: CounterpartType) => {
    const counterpart: Counterpart = counterparts[type]
    return counterpart.start(clock, ledger, options[type], options[`${type}Port`])
  }
  const issuing = startIssuer(clock, options.issuerPort)
  const starting = counterpartTypes.map(start)
  try {
    const [issuer, ...started] = await Promise.all([issuing, ...starting])
    const running = Object.fromEntries(
      counterpartTypes.map((type, index) => [type, started[index]]),
    ) as unknown as Running
    const close = async () => void (await Promise.all([issuer, ...started].map((server) => server.close())))
    return { ...running, issuer, ledger, close }
  } catch (error) {
    for (const server of await Promise.allSettled([issuing, ...starting])) {
      if (server.status === 'fulfilled') await server.value.close()
    }
    throw error
  }
}
