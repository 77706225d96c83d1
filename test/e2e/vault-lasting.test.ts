/** A lease that Vault drops and a credential that works on: what the caller, the lease and the metrics say. */
import { expect, test } from 'vitest'
import { manualClock } from '../support/clock.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { untilNow } from '../support/until.ts'
import { trustingVault } from '../support/vault.ts'

const clock = manualClock()
const session = { type: 'vault', path: 'aws/creds/session' }
const token = { type: 'vault', policies: ['ci-read'] }
const broker = await sharedBroker({
  clock,
  settings: ({ vault }, port) => ({
    providers: {
      vault: [
        trustingVault(vault, port, {
          paths: [{ path: session.path, class: 'deploy', policies: ['aws-deploy'] }],
          policies: [{ name: 'ci-read', class: 'read' }],
        }),
      ],
    },
  }),
  files: {
    'policies/vault.cedar': `@id("paths") permit (principal, action, resource is Mayfly::VaultPath);
@id("tokens") permit (principal, action, resource is Mayfly::VaultPolicy);`,
  },
})
const { ledger, vault } = broker.sandbox
const alive = () => ledger.alive(clock.now()).filter(({ scope }) => 'path' in (scope as object))
const open = async (detail: object) => (await broker.open({ authorization_details: [detail], ttl: 900 })).body
async function leaseOf(task: { id: string }) {
  const token = await broker.admin()
  return (await broker.call('GET', `/v1/admin/leases?task=${task.id}`, { token })).body.items[0]
}

test('a session is not delivered, and its lease is neither revoked nor gone before the session is over', async () => {
  const task = await open(session)
  const refused = await broker.mint(task, session)
  expectRefusal(refused, 422, 'provider_rejected')
  expect(refused.body.detail).toContain('revocation: expiry')
  const [entry] = alive()
  const ended = await broker.complete(task)
  expect(ended.body.leases).toMatchObject([
    { status: 'irrevocable', upstream_expires_at: new Date(entry!.expiresAt).toISOString() },
  ])
  expect(ended.body.leases[0].evidence?.result ?? 'unknown').toBe('unknown')

  await clock.advance(entry!.expiresAt - clock.now())
  await untilNow(clock, async () => (await leaseOf(task)).evidence?.result === 'expired')
})

test('a broker that lost its right to revoke mints no more, says so, and mints again when it has it', async () => {
  const task = await open(token)
  await broker.mint(task, token)
  const { policies } = vault.settings
  const { 'auth/token/revoke-accessor': right, ...others } = policies['broker']!
  policies['broker'] = others
  await broker.complete(task)
  const another = await open(token)
  const refused = await broker.mint(another, token)
  expectRefusal(refused, 422, 'provider_rejected')
  expect(refused.body.detail).toContain('may not revoke tokens')
  policies['broker'] = { ...others, 'auth/token/revoke-accessor': right! }
  await clock.advance(60_000)
  await untilNow(clock, async () => (await broker.mint(another, token)).status === 201)
})

test('connections that a reload brings ask at once what they could take back', async () => {
  const task = await open(token)
  const { policies } = vault.settings
  const { 'auth/token/revoke-accessor': right, ...others } = policies['broker']!
  policies['broker'] = others
  vault.requests.length = 0
  const answer = await broker.call('POST', '/v1/admin/reload', { token: await broker.admin() })
  expect(answer.status).toBe(200)
  await untilNow(clock, () => vault.requests.some(({ path }) => path === '/v1/sys/capabilities-self'))
  await untilNow(clock, async () => (await broker.mint(task, token)).status === 422)
  policies['broker'] = { ...others, 'auth/token/revoke-accessor': right! }
})
