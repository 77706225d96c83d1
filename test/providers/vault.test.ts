import { vault } from '../../providers/vault.ts'
import { providerContract } from '../contract/provider.ts'
import { deadAddress } from '../support/dead-address.ts'
import { mints, revokes, withoutMeans } from '../support/vault.ts'
import { connectVault } from '../support/vault-sandbox.ts'

const policies = (...names: string[]) => vault.detail.parse({ type: 'vault', policies: names })
const path = (name: string) => vault.detail.parse({ type: 'vault', path: name })

async function shared() {
  const { sandbox, faults, ledger, clock, config, context } = connectVault()
  return {
    provider: vault,
    config,
    unreachable: { ...config, address: await deadAddress() },
    context,
    clock,
    faults,
    ledger,
    mints,
    revokes,
    secrets: [sandbox.token],
  }
}

providerContract('vault, for a token', async () => ({
  ...(await shared()),
  secretOf: ({ credential }) => String(credential['token']),
  detail: policies('ci-read', 'ci-write'),
  narrower: policies('ci-read'),
  wider: [
    policies('ci-read', 'ci-write', 'db-readonly'),
    policies('db-readonly'),
    path('database/creds/readonly'),
  ],
  scope: 'policies=ci-write,ci-read',
}))

providerContract('vault, for a dynamic secret', async () => {
  const subject = await shared()
  return {
    ...subject,
    ledger: withoutMeans(subject.ledger),
    secretOf: ({ credential }) => (credential['data'] as { password: string }).password,
    detail: path('database/creds/readonly'),
    wider: [path('kv/ci'), policies('db-readonly')],
    scope: 'database/creds/readonly',
  }
})
