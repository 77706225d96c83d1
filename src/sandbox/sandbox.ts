/** Strict local counterparts of what the broker talks to, for the demo, the examples and the tests. */
import { systemClock, type Clock } from '../base/clock.ts'
import { startAws, type AwsSettings, type SandboxAws } from './aws.ts'
import { startGithub, type GithubSettings, type SandboxGithub } from './github.ts'
import { startIssuer, type SandboxIssuer } from './issuer.ts'
import { createLedger, type Ledger } from './ledger.ts'
import { startVault, type SandboxVault, type VaultSettings } from './vault.ts'

export interface Sandbox {
  issuer: SandboxIssuer
  github: SandboxGithub
  aws: SandboxAws
  vault: SandboxVault
  /** Every credential minted by any of the counterparts. */
  ledger: Ledger
  /** Also cuts the connections that still hang. */
  close(): Promise<void>
}

/** Everything listens on 127.0.0.1, on any free port unless one is given. @throws when a port is taken. */
export async function startSandbox(
  options: {
    clock?: Clock
    issuerPort?: number
    githubPort?: number
    awsPort?: number
    vaultPort?: number
    github?: Partial<GithubSettings>
    aws?: Partial<AwsSettings>
    vault?: Partial<VaultSettings>
  } = {},
): Promise<Sandbox> {
  const clock = options.clock ?? systemClock()
  const ledger = createLedger()
  const starting = [
    startIssuer(clock, options.issuerPort),
    startGithub(clock, ledger, options.github, options.githubPort),
    startAws(clock, ledger, options.aws, options.awsPort),
    startVault(clock, ledger, options.vault, options.vaultPort),
  ] as const
  try {
    const [issuer, github, aws, vault] = await Promise.all(starting)
    return {
      issuer,
      github,
      aws,
      vault,
      ledger,
      close: async () =>
        void (await Promise.all([issuer, github, aws, vault].map((server) => server.close()))),
    }
  } catch (error) {
    for (const server of await Promise.allSettled(starting)) {
      if (server.status === 'fulfilled') await server.value.close()
    }
    throw error
  }
}
