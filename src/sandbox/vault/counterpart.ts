import type { Counterpart } from '../counterpart.ts'
import { type SandboxVault, startVault } from '../vault.ts'
import { vaultDatabaseLifecycle, vaultTokenLifecycle } from './lifecycle.ts'
import type { VaultSettings } from './settings.ts'

const role = 'mayfly'

const policies = `@id("refactor-bot-uses-vault")
permit (principal == Mayfly::Agent::"refactor-bot",
        action in [Mayfly::Action::"read", Mayfly::Action::"write"], resource);

@id("ci-secrets-are-read-only")
forbid (principal, action in Mayfly::Action::"write", resource == Mayfly::VaultPolicy::"ci-write");
`

export const vault: Counterpart<SandboxVault, VaultSettings> = {
  start: startVault,
  arrange({ url: address, settings: { jwt } }, url) {
    jwt.jwksUrl = `${url}/.well-known/jwks.json`
    jwt.boundIssuer = url
    jwt.roles[role]!.boundAudiences = [address]
    return {
      connection: {
        name: 'main',
        address,
        auth: { jwt: { mount: 'jwt', role } },
        paths: [{ path: 'database/creds/readonly', class: 'read', policies: ['db-readonly'] }],
        policies: [
          { name: 'ci-read', class: 'read' },
          { name: 'ci-write', class: 'write' },
        ],
      },
      policies,
    }
  },
  lifecycles: (running) => [vaultTokenLifecycle(running), vaultDatabaseLifecycle(running)],
}
