import { expect, test } from 'vitest'
import { manualClock } from '../support/clock.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { untilNow } from '../support/until.ts'
import { trustingVault } from '../support/vault.ts'

const clock = manualClock()
const session = { type: 'vault', path: 'aws/creds/session' }
const declared = { class: 'deploy', policies: ['aws-deploy'] }
const paths = [
  { ...declared, path: session.path, revocation: 'expiry' },
  { ...declared, path: 'database/creds/readonly', policies: ['db-readonly'] },
]
const broker = await sharedBroker({
  clock,
  settings: ({ vault }, port) => ({ providers: { vault: [trustingVault(vault, port, { paths })] } }),
  files: { 'policies/vault.cedar': '@id("all") permit (principal, action, resource is Mayfly::VaultPath);' },
})
const open = (ttl: number, detail: object = session) => broker.open({ authorization_details: [detail], ttl })

test('a task shorter than a session of AWS is refused where the lease of one ends nothing', async () => {
  expect(await open(899)).toMatchObject({
    status: 400,
    body: { code: 'invalid_request', detail: expect.stringContaining('900 seconds at least') },
  })
  expect(await open(60, { type: 'vault', path: 'database/creds/readonly' })).toMatchObject({ status: 201 })
})

test('in one that is as long the lease says so beforehand, names its true end, and waits for it', async () => {
  const { body: task } = await open(900)
  const { status, body } = await broker.mint(task, session)
  expect(status).toBe(201)
  const end = new Date(clock.now() + 900_000).toISOString()
  expect(body.lease).toMatchObject({ revocation: 'expiry', status: 'active', upstream_expires_at: end })
  const completed = await broker.complete(task)
  expect(completed.body.leases).toMatchObject([
    { status: 'revoking', evidence: null, upstream_expires_at: end },
  ])
  await clock.advance(900_000)
  await untilNow(clock, async () => (await broker.read(task)).body.leases[0].status === 'expired')
})
