import { vault } from '../../providers/vault.ts'
import { defaultSettings, type Standby } from '../../src/sandbox/vault/settings.ts'
import { providerContract } from '../contract/provider.ts'
import { mints, revokes, withoutMeans } from '../support/vault.ts'
import { connectVault } from '../support/vault-sandbox.ts'

const policies = (...names: string[]) => vault.detail.parse({ type: 'vault', policies: names })
const path = (name: string) => vault.detail.parse({ type: 'vault', path: name })

/** `standby` is what answers while upstream lags; `right` what revoking needs. */
async function shared({
  standby = {},
  right = 'auth/token/revoke-accessor',
  config: changes = {},
}: { standby?: Partial<Standby>; right?: string; config?: Record<string, unknown> } = {}) {
  const { sandbox, faults, ledger, clock, config, context } = connectVault({ config: changes })
  const { settings } = sandbox
  return {
    provider: vault,
    config,
    origin: sandbox.url,
    at: (address: string) => ({ ...config, address }),
    context,
    clock,
    faults,
    ledger,
    mints,
    revokes,
    secrets: [sandbox.token],
    // What the standby has not heard of goes by the queue.
    lagMs: 500 + settings.revocationDelay,
    lags() {
      settings.standby = { ...defaultSettings().standby, lag: 500, ...standby }
      return () => Object.assign(settings, { standby: defaultSettings().standby })
    },
    disarm() {
      const before = settings.policies['broker']!
      settings.policies['broker'] = Object.fromEntries(
        Object.entries(before).filter(([pattern]) => pattern !== right),
      )
      return () => Object.assign(settings.policies, { broker: before })
    },
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
  const subject = await shared({ standby: { answers: 403 }, right: 'sys/leases/revoke' })
  return {
    ...subject,
    ledger: withoutMeans(subject.ledger),
    secretOf: ({ credential }) => (credential['data'] as { password: string }).password,
    detail: path('database/creds/readonly'),
    wider: [path('kv/ci'), policies('db-readonly')],
    scope: 'database/creds/readonly',
  }
})

providerContract('vault, for a secret that only its expiry ends', async () => {
  const declared = { class: 'deploy', policies: ['aws-deploy'], revocation: 'expiry' }
  const paths = ['aws/creds/session', 'aws/sts/federated'].map((name) => ({ path: name, ...declared }))
  const subject = await shared({ standby: { tellsIndex: true }, config: { paths } })
  return {
    ...subject,
    ledger: withoutMeans(subject.ledger),
    secretOf: ({ credential }) => (credential['data'] as { security_token: string }).security_token,
    detail: path('aws/creds/session'),
    wider: [path('aws/sts/federated'), policies('db-readonly')],
    scope: 'aws/creds/session',
  }
})
