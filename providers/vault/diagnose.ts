import type { Finding } from '../../src/provider/upstream.ts'
import type { VaultConfig } from './config.ts'
import { engineFindings } from './engine-roles.ts'
import { policyFindings } from './policy-findings.ts'
import { lacking, pathOf, rightsFor } from './rights.ts'
import { roleFindings } from './token-role.ts'
import type { Vault } from './upstream.ts'

/** Whether Vault accepts the broker, and lets it do what minting and revoking take. @throws ProviderError */
export async function diagnose(vault: Vault, signal: AbortSignal): Promise<Finding[]> {
  const needed = needs(vault.config)
  const missing = await lacking(
    needed.map(({ path }) => path),
    vault,
    signal,
  )
  if (!missing) return [untold]
  const findings = [
    ...needed
      .filter(({ path }) => missing.includes(path))
      .map(({ path, what, status }): Finding => ({
        status,
        message: `the broker may not ${what}`,
        remedy: `Give its token \`update\` on ${path}.`,
      })),
    ...(await roleFindings(vault, signal)),
    ...(await engineFindings(vault, signal)),
    ...(await policyFindings(vault, signal)),
  ]
  return findings.length > 0 ? findings : [fine]
}

interface Need {
  path: string
  what: string
  status: Finding['status']
}

function needs(config: VaultConfig): Need[] {
  const { token_role: role } = config
  const all: Need[] = [
    {
      path: role === undefined ? 'auth/token/create-orphan' : `auth/token/create/${role}`,
      what: 'create tokens',
      status: 'fault',
    },
    { path: pathOf.tokens, what: 'revoke tokens', status: 'fault' },
    { path: 'auth/token/lookup-accessor', what: 'see that a token is dead', status: 'fault' },
  ]
  if (!rightsFor(config).includes('leases')) return all
  return [
    ...all,
    { path: pathOf.leases, what: 'take a secret back', status: 'fault' },
    { path: 'sys/leases/lookup', what: 'see that a secret is gone', status: 'fault' },
  ]
}

const fine: Finding = { status: 'ok', message: 'Vault lets the broker create, look up and revoke tokens' }
const untold: Finding = {
  status: 'warning',
  message: 'Vault does not tell what the broker may do',
  remedy: 'Mint something through it to see that it works.',
}
