/** The provider contract against a real OpenBao or Vault. */
import { afterAll, describe, test } from 'vitest'
import { vault } from '../../providers/vault.ts'
import { systemClock } from '../../src/base/clock.ts'
import { startIssuer } from '../../src/sandbox/issuer.ts'
import { providerContract } from '../contract/provider.ts'
import { manualClock } from '../support/clock.ts'
import { lentServices } from '../support/services.ts'
import { mints, revokes, withoutMeans } from '../support/vault.ts'
import { proxyTo } from './vault-proxy.ts'
import { realVault, type RealVault } from './vault-server.ts'

const real = await realVault()
if (real) describe('a real Vault', () => against(real))
else test.skip('no bao or vault is on PATH, nor on this machine at VAULT_ADDR with VAULT_TOKEN', () => {})

async function against(real: RealVault) {
  // What is written there has names of its own, should it be one that others use.
  const mark = crypto.randomUUID().slice(0, 8)
  const [broker, reader, writer, leased] = ['broker', 'read', 'write', 'leased'].map(
    (name) => `mayfly-test-${mark}-${name}`,
  ) as [string, string, string, string]
  const path = (pattern: string, ...capabilities: string[]) =>
    `path "${pattern}" { capabilities = ${JSON.stringify(capabilities)} }`
  const issuer = await startIssuer(systemClock())
  const policy = (name: string, ...rules: string[]) =>
    real.set('POST', `sys/policies/acl/${name}`, { policy: rules.join('\n') })

  await policy(
    broker,
    path(`auth/token/create/${broker}`, 'update'),
    path('auth/token/revoke-accessor', 'update'),
    path('auth/token/lookup-accessor', 'update'),
    path('auth/token/accessors', 'list', 'sudo'),
    path('sys/leases/revoke', 'update'),
    path('sys/leases/lookup', 'update'),
  )
  await policy(reader, path(`${leased}/*`, 'read'))
  await policy(writer, path(`${leased}/*`, 'read', 'update'))
  // A key-value store that gives leases: no database is needed to have a lease that can be revoked.
  await real.set('POST', `sys/mounts/${leased}`, {
    type: 'kv',
    options: { version: '1', leased_passthrough: 'true' },
  })
  // Its leases take nothing back, and show that when they are for longer than a task.
  await real.set('POST', `${leased}/creds`, { password: 'of-a-test', ttl: '600s' })
  await real.set('POST', `auth/token/roles/${broker}`, { orphan: true, allowed_policies: [reader, writer] })
  await real.set('POST', `sys/auth/${broker}`, { type: 'jwt' })
  await real.set('POST', `auth/${broker}/config`, {
    jwks_url: `${issuer.url}/jwks`,
    bound_issuer: issuer.url,
  })
  const audience = 'http://127.0.0.1'
  await real.set('POST', `auth/${broker}/role/mayfly`, {
    role_type: 'jwt',
    bound_audiences: [audience],
    bound_subject: 'mayfly',
    user_claim: 'sub',
    token_policies: [broker],
    token_ttl: '15m',
  })
  afterAll(async () => {
    for (const name of [broker, reader, writer]) await real.set('DELETE', `sys/policies/acl/${name}`)
    await real.set('DELETE', `sys/mounts/${leased}`)
    await real.set('DELETE', `sys/auth/${broker}`)
    await real.set('DELETE', `auth/token/roles/${broker}`)
    await issuer.close()
    await real.close()
  })

  const shared = async () => {
    const clock = manualClock()
    const { url, faults, ledger, close } = await proxyTo(real, clock)
    const config = vault.config.parse({
      name: 'main',
      address: url,
      auth: { jwt: { mount: broker, role: 'mayfly' } },
      token_role: broker,
      paths: [
        { path: `${leased}/creds`, class: 'read', policies: [reader] },
        { path: `${leased}/other`, class: 'read', policies: [reader] },
      ],
      policies: [
        { name: reader, class: 'read' },
        { name: writer, class: 'write' },
      ],
    })
    const sign = () => issuer.token({ sub: 'mayfly', aud: audience })
    return {
      provider: vault,
      config,
      origin: url,
      at: (address: string) => ({ ...config, address }),
      context: { ...lentServices, fetch, clock, secret: () => '', sign },
      clock,
      faults,
      ledger,
      mints,
      revokes,
      secrets: [real.root],
      close,
    }
  }
  const policies = (...names: string[]) => vault.detail.parse({ type: 'vault', policies: names })
  const secret = (name: string) => vault.detail.parse({ type: 'vault', path: `${leased}/${name}` })

  providerContract('vault, for a token', async () => ({
    ...(await shared()),
    secretOf: ({ credential }) => String(credential['token']),
    detail: policies(reader, writer),
    narrower: policies(reader),
    wider: [secret('creds')],
    scope: `policies=${reader},${writer}`,
  }))

  providerContract('vault, for a secret with a lease', async () => {
    const subject = await shared()
    return {
      ...subject,
      ledger: withoutMeans(subject.ledger),
      // The store gives the same data each time, and a lease of its own with them.
      secretOf: ({ handle }) => String(handle['lease']),
      detail: secret('creds'),
      wider: [secret('other'), policies(reader)],
      scope: `${leased}/creds`,
    }
  })
}
