/** A storm of 502s: what may have been minted is kept, and keeps nobody from what comes after it. */
import { expect, test } from 'vitest'
import { readWeb } from '../support/broker.ts'
import { manualClock } from '../support/clock.ts'
import { aws, everyUpstream, permissive, vaultSecret, vaultToken } from '../support/every-upstream.ts'
import { mints } from '../support/github.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { untilNow } from '../support/until.ts'

const clock = manualClock()
const broker = await sharedBroker({
  clock,
  settings: (sandbox) => ({ ...everyUpstream(sandbox), limits: { live_leases: { task: 50, agent: 60 } } }),
  files: {
    'policies/acme.cedar': `${permissive['policies/acme.cedar']}
@id("no-secrets-with-deploy")
forbid (principal, action, resource) when { context.held.containsAll(["deploy", "secrets"]) };`,
  },
})
const { github, vault, aws: amazon } = broker.sandbox

const html = {
  kind: 'status',
  status: 502,
  headers: { 'Content-Type': 'text/html' },
  body: '<html></html>',
} as const
const lost = async () => {
  const token = await broker.admin()
  const { body } = await broker.call('GET', '/v1/admin/leases?limit=200&status=revoking', { token })
  return (body.items as { live_until: string | null }[]).filter((lease) => lease.live_until !== null)
}

test.each([
  ['GitHub', 60, readWeb, () => github.faults.add({ ...html, on: mints })],
  ['Vault, a token', 60, vaultToken, () => vault.faults.add(html)],
  ['Vault, a secret', 60, vaultSecret, () => vault.faults.add(html)],
  ['AWS', 3, aws, () => amazon.faults.add(html)],
])('%s: after %i mints with an unknown outcome the next one works', async (_who, times, detail, begin) => {
  const asked = { authorization_details: [detail], ttl: 900 }
  const tasks = [(await broker.open(asked)).body, (await broker.open(asked)).body]
  const storm = begin()
  for (let count = 0; count < times; count += 1)
    expectRefusal(await broker.mint(tasks[count % 2], detail), 503, 'provider_unavailable')
  storm.clear()
  for (const task of tasks) expect((await broker.mint(task, detail)).status).toBe(201)
  for (const task of tasks) expect((await broker.complete(task)).status).toBe(200)
})

test('what may have been minted is kept all the same, until it cannot be alive', async () => {
  await untilNow(clock, async () => (await lost()).length >= 60)
  expect((await broker.open({ authorization_details: [aws], ttl: 900 })).status).toBe(201)
})
