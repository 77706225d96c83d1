/** The whole way: a task, the broker's own login, a credential, and its end. */
import { beforeEach, expect, test } from 'vitest'
import { defaultSettings } from '../../src/sandbox/vault/settings.ts'
import { expectRefusal } from '../support/refusal.ts'
import { aJwt } from '../support/secrets.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until } from '../support/until.ts'

const token = { type: 'vault', policies: ['ci-read'] }
const database = { type: 'vault', path: 'database/creds/readonly' }
const keyValue = { type: 'vault', path: 'kv/ci' }

const broker = await sharedBroker({
  settings: ({ vault }) => ({
    providers: {
      vault: [
        {
          name: 'main',
          address: vault.url,
          auth: { jwt: { mount: 'jwt', role: 'mayfly' } },
          paths: [
            { path: 'database/creds/readonly', class: 'read', policies: ['db-readonly'] },
            { path: 'kv/ci', class: 'secrets', policies: ['kv-read'] },
          ],
          policies: [
            { name: 'ci-read', class: 'read' },
            { name: 'ci-write', class: 'write' },
          ],
        },
      ],
    },
  }),
  files: {
    'policies/vault.cedar': `@id("bot-reads-vault")
permit (principal == Mayfly::Agent::"refactor-bot",
        action in [Mayfly::Action::"read", Mayfly::Action::"secrets"], resource);`,
  },
})
const { vault, ledger } = broker.sandbox
const alive = () => ledger.alive().filter(({ provider }) => provider === 'vault')
const use = async (secret: string, path = 'secret/data/ci/npm') =>
  (await fetch(`${vault.url}/v1/${path}`, { headers: { 'x-vault-token': secret } })).status
const logIn = async (data: unknown) =>
  (await fetch(`${vault.url}/database/login`, { method: 'POST', body: JSON.stringify(data) })).status

beforeEach(() => {
  vault.faults.clear()
  Object.assign(vault.settings, defaultSettings())
  vault.settings.jwt = {
    ...vault.settings.jwt,
    jwksUrl: `${broker.url}/.well-known/jwks.json`,
    boundIssuer: broker.url,
  }
  vault.settings.jwt.roles['mayfly']!.boundAudiences = [vault.url]
})

const open = async (...details: object[]) => (await broker.open({ authorization_details: details })).body

test('a token works for its task, and is dead when the task is completed', async () => {
  const task = await open(token)
  const left = Date.parse(task.expires_at) - Date.now()
  const { status, body } = await broker.mint(task, token)
  expect(status).toBe(201)
  expect(body.credential).toEqual({ token: expect.stringMatching(/^hvs\./), address: vault.url })
  expect(body.lease).toMatchObject({
    provider: 'vault',
    connection: 'main',
    class: 'read',
    revocation: 'immediate',
    authorization_detail: token,
    fingerprint: ledger.find(body.credential.token)?.fingerprint,
  })
  const { expiresAt, mintedAt } = ledger.find(body.credential.token)!
  expect(expiresAt! - mintedAt).toBeLessThanOrEqual(left)
  // By when it is over for certain: the answer was on its way for a moment.
  expect(Date.parse(body.lease.upstream_expires_at)).toBeGreaterThanOrEqual(expiresAt!)
  expect(await use(body.credential.token)).toBe(200)

  const completed = (await broker.complete(task)).body
  expect(completed.leases).toMatchObject([{ status: 'revoked', evidence: { result: 'dead' } }])
  expect(await use(body.credential.token)).toBe(403)
})

test('a dynamic secret works for its task, and is gone when the task is completed', async () => {
  const task = await open(database)
  const { body } = await broker.mint(task, database)
  expect(await logIn(body.credential.data)).toBe(204)
  const completed = (await broker.complete(task)).body
  expect(completed.leases).toMatchObject([
    { status: 'revoked', evidence: { result: 'gone', method: 'sys/leases/lookup knows no such lease' } },
  ])
  expect(await logIn(body.credential.data)).toBe(401)
})

test('a secret without a lease is refused, and what was made to read it is revoked', async () => {
  const task = await open(keyValue)
  const answer = await broker.mint(task, keyValue)
  expectRefusal(answer, 422, 'provider_rejected')
  expect(answer.body.detail).toContain('no lease')
  expect(JSON.stringify(answer.body)).not.toContain('kept for ever')
  await until(() => alive().length === 0)
})

test.each([
  ['path', { type: 'vault', path: 'database/creds/admin' }],
  ['policy', { type: 'vault', policies: ['broker'] }],
  ['policy among others', { type: 'vault', policies: ['ci-read', 'broker'] }],
])('an undeclared %s cannot be asked for', async (_, detail) => {
  expectRefusal(await broker.open({ authorization_details: [detail] }), 400, 'invalid_request')
})

test('a policy of a class that the agent is not permitted is denied', async () => {
  const answer = await broker.open({ authorization_details: [{ type: 'vault', policies: ['ci-write'] }] })
  expectRefusal(answer, 403, 'policy_denied')
  expect(answer.body.denials).toEqual([
    { action: 'vault.token.write', resource: 'VaultPolicy::"ci-write"', policies: [] },
  ])
})

test('a token given back by its secret ends its task', async () => {
  const task = await open(token)
  const { credential } = (await broker.mint(task, token)).body
  const response = await fetch(`${broker.url}/oauth/revoke`, {
    method: 'POST',
    body: new URLSearchParams({ token: credential.token }),
  })
  expect(response.status).toBe(200)
  await until(async () => (await use(credential.token)) === 403)
  expect((await broker.read(task)).body.status).toBe('completed')
})

test('a token whose answer was lost is found and ended before anyone has it', async () => {
  const task = await open(token)
  vault.faults.add({
    kind: 'reset-after-processing',
    on: ({ path }) => path === '/v1/auth/token/create-orphan',
    times: 1,
  })
  const before = ledger.entries.length
  expectRefusal(await broker.mint(task, token), 503, 'provider_unavailable')
  await until(async () => (await broker.read(task)).body.leases[0].status === 'revoked')
  expect(ledger.entries).toHaveLength(before + 1)
  expect(alive()).toEqual([])
})

test('the broker has kept no secret of Vault’s in its log', () => {
  const log = broker.log.join('\n')
  expect(log).not.toMatch(aJwt)
  expect(log).not.toMatch(/hvs\./)
  for (const { secret } of ledger.entries) expect(log).not.toContain(secret)
})
