/** Vault's strict local counterpart, and connections to it. */
import type { VaultConfig } from '../../providers/vault/config.ts'
import type { VaultDetail } from '../../providers/vault/detail.ts'
import { vault } from '../../providers/vault.ts'
import { connect } from '../../providers/vault/connect.ts'
import { pooledFetch } from '../../src/outbound/pooled-fetch.ts'
import type { ConnectionContext, Handle, Intent } from '../../src/provider/upstream.ts'
import { createLedger } from '../../src/sandbox/ledger.ts'
import { defaultSettings, type VaultSettings } from '../../src/sandbox/vault/settings.ts'
import { startVault } from '../../src/sandbox/vault.ts'
import { manualClock } from './clock.ts'
import { lentServices } from './services.ts'

const pooled = pooledFetch({ env: {} })

export const reader = vault.detail.parse({ type: 'vault', policies: ['ci-read'] })
export const secret = vault.detail.parse({ type: 'vault', path: 'database/creds/readonly' })
export const kept = vault.detail.parse({ type: 'vault', path: 'kv/ci' })

// One a process, closed with it.
const clock = manualClock()
const ledger = createLedger(clock)
const sandbox = await startVault(clock, ledger)

/** A request that left, by its path without `/v1/`. */
interface Sent {
  path: string
  headers: Headers
  body: unknown
}

/**
 * A connection of its own to Vault as it was when it started, but for
 * `settings`; `config` and `context` replace what the connection is made with.
 */
export function connectVault({
  settings = {},
  config: changes = {},
  context: services = {},
}: {
  settings?: Partial<VaultSettings>
  config?: Record<string, unknown>
  context?: Partial<ConnectionContext>
} = {}) {
  Object.assign(sandbox.settings, defaultSettings(), settings)
  for (const { secret: token } of ledger.entries) sandbox.revoke(token)
  ledger.entries.length = 0
  sandbox.requests.length = 0
  sandbox.faults.clear()
  const sent: Sent[] = []
  const context: ConnectionContext = {
    ...lentServices,
    // Really sends: it only notes what left.
    fetch(input, init) {
      const { pathname } = new URL(input instanceof Request ? input.url : input)
      const body: unknown = typeof init?.body === 'string' ? JSON.parse(init.body) : undefined
      sent.push({ path: pathname.replace('/v1/', ''), headers: new Headers(init?.headers), body })
      return pooled(input, init)
    },
    clock,
    secret: () => sandbox.token,
    ...services,
  }
  const config = vault.config.parse({
    name: 'main',
    address: sandbox.url,
    auth: { token: { env: 'VAULT_TOKEN' } },
    paths: [
      { path: 'database/creds/readonly', class: 'read', policies: ['db-readonly'] },
      { path: 'kv/ci', class: 'secrets', policies: ['kv-read'] },
    ],
    policies: [
      { name: 'ci-read', class: 'read' },
      { name: 'ci-write', class: 'write' },
      { name: 'db-readonly', class: 'secrets' },
    ],
    ...changes,
  }) satisfies VaultConfig
  const terms = vault.terms(config)
  const connection = connect(config, context)
  const patient = { signal: new AbortController().signal }
  return {
    sandbox,
    ledger,
    faults: sandbox.faults,
    requests: sandbox.requests,
    /** Requests sent, in order. */
    sent,
    clock,
    config,
    context,
    terms,
    connection,
    alive: () => ledger.alive(clock.now()),
    mint: (detail: VaultDetail = reader, changed: Partial<Intent<VaultDetail>> = {}, options = patient) =>
      connection.mint(detail, { ...intentOf(detail), ...changed }, options),
    revoke: async (handle: Handle) =>
      (await connection.revoke([handle], { standing: () => Promise.resolve([]), ...patient }))[0],
    probe: (handle: Handle) => connection.probe(handle, patient),
    recover: (detail: VaultDetail = reader, changed: Partial<Intent<VaultDetail>> = {}) =>
      connection.recover({ ...intentOf(detail), ...changed }, patient),
    /** Asks Vault something with a token that was minted. */
    use: async (token: unknown, path: string) =>
      (await fetch(`${sandbox.url}/v1/${path}`, { headers: { 'x-vault-token': String(token) } })).status,
    /** Whether the database lets in who holds these credentials. */
    logIn: async (data: unknown) =>
      (await fetch(`${sandbox.url}/database/login`, { method: 'POST', body: JSON.stringify(data) }))
        .status === 204,
  }
}

export function intentOf(detail: VaultDetail): Intent<VaultDetail> {
  return {
    leaseId: 'lease_test',
    taskId: 'task_test',
    agent: 'refactor-bot',
    owner: 'linus@acme.dev',
    detail,
    createdAt: clock.now(),
    deadline: clock.now() + 900_000,
  }
}
