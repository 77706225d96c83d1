/** What passes: OAuth's `temporarily_unavailable`, and when to come back. */
import { expect, test } from 'vitest'
import { describedBroker } from '../support/described-broker.ts'
import { agentFiles, subjectOf } from '../support/agents.ts'
import { refuseWrites } from '../support/database.ts'
import { mints } from '../support/github.ts'
import { exchange } from '../support/oauth-form.ts'
import { expectTemporary } from '../support/oauth-refusal.ts'

const broker = await describedBroker({
  settings: { limits: { live_leases: { task: 1, agent: 2 }, requests_per_minute: { agent: 6 } } },
  files: { ...agentFiles('one'), ...agentFiles('two') },
})
const { github, issuer, ledger } = broker.sandbox
const as = async (name: string) => ({ subject_token: await broker.workload({ sub: subjectOf(name) }) })

test('an upstream that is down is 503, and leaves no task behind that nobody could end', async () => {
  const down = github.faults.add({ kind: 'status', status: 502, on: mints })
  expectTemporary(await exchange(broker), 503, 'provider_unavailable')
  down.clear()
  const token = await broker.admin()
  const { body } = await broker.call('GET', '/v1/admin/tasks?status=active', { token })
  expect(body.items).toEqual([])
})

test('how long upstream asks to wait is passed on', async () => {
  github.faults.add({ kind: 'status', status: 429, headers: { 'Retry-After': '17' }, on: mints, times: 1 })
  const answer = await exchange(broker)
  expectTemporary(answer, 503, 'provider_unavailable')
  expect(answer.headers.get('Retry-After')).toBe('17')
})

test('a store that cannot be written is 503, and the identity can be used again', async () => {
  const { subject_token } = await as('one')
  const restore = refuseWrites(broker, 'insert on tasks')
  expectTemporary(await exchange(broker, { subject_token }), 503, 'unavailable')
  restore()
  expect((await exchange(broker, { subject_token })).status).toBe(200)
})

test('more live leases than an agent may have is 429', async () => {
  await broker.revoke({ all: true })
  for (let count = 0; count < 2; count += 1)
    expect((await exchange(broker, await as('one'))).status).toBe(200)
  expectTemporary(await exchange(broker, await as('one')), 429, 'limit_exceeded')
  expect(ledger.alive()).toHaveLength(2)
})

test('more requests than an agent may make is 429', async () => {
  const answers = []
  for (let count = 0; count < 8; count += 1) answers.push(await exchange(broker, await as('two')))
  expectTemporary(answers.at(-1)!, 429, 'limit_exceeded')
})

test('an issuer whose keys cannot be had is 503', async () => {
  await broker.stop()
  issuer.faults.add({ kind: 'reset' })
  await broker.start()
  expectTemporary(await exchange(broker), 503, 'unavailable')
  issuer.faults.clear()
})
