/** Strict local counterparts of what the broker talks to, for the demo, the examples and the tests. */
import { systemClock, type Clock } from '../clock.ts'
import { startGithub, type GithubSettings, type SandboxGithub } from './github.ts'
import { startIssuer, type SandboxIssuer } from './issuer.ts'
import { createLedger, type Ledger } from './ledger.ts'

export interface Sandbox {
  issuer: SandboxIssuer
  github: SandboxGithub
  /** Every credential minted by any of the counterparts. */
  ledger: Ledger
  /** Also cuts the connections that still hang. */
  close(): Promise<void>
}

/** Everything listens on 127.0.0.1, on any free port unless one is given. @throws when a port is taken. */
export async function startSandbox(
  options: { clock?: Clock; issuerPort?: number; githubPort?: number; github?: Partial<GithubSettings> } = {},
): Promise<Sandbox> {
  const clock = options.clock ?? systemClock()
  const ledger = createLedger()
  const starting = [
    startIssuer(clock, options.issuerPort),
    startGithub(clock, ledger, options.github, options.githubPort),
  ] as const
  try {
    const [issuer, github] = await Promise.all(starting)
    return {
      issuer,
      github,
      ledger,
      close: async () => void (await Promise.all([issuer.close(), github.close()])),
    }
  } catch (error) {
    for (const server of await Promise.allSettled(starting)) {
      if (server.status === 'fulfilled') await server.value.close()
    }
    throw error
  }
}
