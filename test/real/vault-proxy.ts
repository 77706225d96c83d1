/** What the contract suite needs and no real Vault has: faults, and a ledger. */
import { listen } from '../../src/sandbox/server.ts'
import { createLedger, type LedgerEntry } from '../../src/sandbox/ledger.ts'
import type { ManualClock } from '../support/clock.ts'
import type { RealVault } from './vault-server.ts'

interface Answered {
  auth?: { client_token: string; accessor: string; lease_duration: number; policies: string[] } | null
  lease_id?: string
  lease_duration?: number
}

/**
 * Hands every request on to `real`. The ledger holds what it was seen to mint;
 * whether that is still alive, the real one is asked after every revocation.
 */
export async function proxyTo(real: RealVault, clock: ManualClock) {
  const { app, url, faults, requests, close } = await listen(clock)
  const ledger = createLedger(clock)
  const lookups = new Map<LedgerEntry, { path: string; body: object }>()
  const accessors = new Map<string, string>()

  const asRoot = (path: string, body: object) =>
    fetch(`${real.url}/v1/${path}`, {
      method: 'POST',
      headers: { 'x-vault-token': real.root },
      body: JSON.stringify(body),
    })

  const note = (token: string, { auth, lease_id: lease, lease_duration: life = 0 }: Answered) => {
    const mintedAt = clock.now()
    if (auth) {
      const { client_token: secret, accessor, lease_duration: seconds, policies } = auth
      accessors.set(secret, accessor)
      const expiresAt = mintedAt + seconds * 1000
      const entry = {
        provider: 'vault',
        secret,
        fingerprint: accessor,
        mintedAt,
        expiresAt,
        scope: { policies },
      }
      lookups.set(ledger.record(entry), { path: 'auth/token/lookup-accessor', body: { accessor } })
    }
    if (lease) {
      const accessor = accessors.get(token) ?? ''
      const expiresAt = Math.min(mintedAt + life * 1000, ledger.find(token)?.expiresAt ?? Infinity)
      const scope = { accessor }
      const entry = { provider: 'vault', secret: lease, fingerprint: accessor, mintedAt, expiresAt, scope }
      lookups.set(ledger.record(entry), { path: 'sys/leases/lookup', body: { lease_id: lease } })
    }
  }
  const settle = async () => {
    for (const [entry, { path, body }] of lookups)
      if (entry.revokedAt === undefined && (await asRoot(path, body)).status === 400)
        entry.revokedAt = clock.now()
  }

  app.all('*', async (c) => {
    const { pathname, search } = new URL(c.req.url)
    const token = c.req.header('x-vault-token') ?? ''
    const sent = await c.req.text()
    const response = await fetch(real.url + pathname + search, {
      method: c.req.method,
      headers: { 'x-vault-token': token, 'x-vault-request': 'true' },
      body: sent === '' ? null : sent,
      redirect: 'manual',
    })
    const text = await response.text()
    const login = pathname.endsWith('/login')
    if (response.ok && text !== '' && !login) note(token, JSON.parse(text) as Answered)
    if (pathname.includes('revoke')) await settle()
    return new Response(text === '' ? null : text, {
      status: response.status,
      headers: { 'content-type': 'application/json' },
    })
  })
  return { url, faults, requests, ledger, close }
}
