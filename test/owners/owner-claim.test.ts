/** One agent's file, and an owned identity for each person that a verified claim names (docs/decisions/0051). */
import { expect, test } from 'vitest'
import { answer } from '../support/approvals.ts'
import { assistantOf, assistants, person } from '../support/assistants.ts'
import { rows } from '../support/database.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker({ files: assistants() })

/** The same person with an admin's token, which no rule of an agent matches. */
const asAdmin = (name: string) => ({
  ...person(name),
  groups: ['security'],
  aud: `${broker.url}/admin`,
})

test('a task is owned by whoever its token shows, and so is all that is on record of it', async () => {
  const [ada, bob] = [await assistantOf(broker, 'Ada'), await assistantOf(broker, 'bob')]
  expect([ada.agent, bob.agent]).toEqual(['claude-code', 'claude-code'])
  expect([ada.owner, bob.owner]).toEqual(['ada@acme.dev', 'bob@acme.dev'])
  const { body: minted } = await broker.mint(bob)
  const owners = rows(broker, 'audit_events', `task = '${bob.id}'`).map(({ owner }) => owner)
  expect(new Set(owners)).toEqual(new Set(['bob@acme.dev']))
  const [lease] = rows(broker, 'leases', `id = '${minted.lease.id}'`)
  expect(lease!['owner']).toBe('bob@acme.dev')
})

test('a dry run and a refusal name them too', async () => {
  const { body } = await broker.open({ dry_run: true }, person('carol'))
  expect(body.owner).toBe('carol@acme.dev')
  const detail = { type: 'github', repositories: ['other/web'], permissions: { contents: 'read' } }
  await broker.open({ authorization_details: [detail] }, person('carol'))
  await broker.open({ ttl: 3601 }, person('carol'))
  const denied = rows(broker, 'audit_events', "type = 'request.denied' order by seq desc limit 2")
  expect(denied.map(({ owner }) => owner)).toEqual(['carol@acme.dev', 'carol@acme.dev'])
})

test('nobody approves for their own assistant, and anybody else for it', async () => {
  const task = await assistantOf(broker, 'ada', { waits: true })
  expect(task.status).toBe('pending_approval')
  const [approval] = task.approvals
  expectRefusal(await answer(broker, 'approve', approval, { claims: asAdmin('ada') }), 403, 'forbidden')
  expectRefusal(await answer(broker, 'approve', approval, { claims: asAdmin('ADA') }), 403, 'forbidden')
  const unshown = { ...asAdmin('bob'), email_verified: undefined }
  expectRefusal(await answer(broker, 'approve', approval, { claims: unshown }), 403, 'forbidden')
  expect((await answer(broker, 'approve', approval, { claims: asAdmin('bob') })).body.status).toBe('active')
})

test('a revocation by owner ends what is theirs, and nothing beside it', async () => {
  const [ada, bob] = [await assistantOf(broker, 'ada'), await assistantOf(broker, 'bob')]
  await broker.mint(ada)
  const { body } = await broker.revoke({ owner: 'Ada@acme.dev' })
  expect(body.tasks).toContain(ada.id)
  expect((await broker.read(ada)).body.status).toBe('revoked')
  expect((await broker.read(bob)).body.status).toBe('active')
})

test('a revocation by an owner of whom there is nothing is refused, and not done silently', async () => {
  expectRefusal(await broker.revoke({ owner: 'nobody@acme.dev' }), 404, 'not_found')
})

test('a fence on an owner keeps out their assistant alone, and they do not lift it', async () => {
  await assistantOf(broker, 'dan')
  const token = await broker.admin()
  const body = { selector: { owner: 'dan@acme.dev' }, reason: 'a test' }
  const fence = await broker.call('POST', '/v1/admin/fences', { token, body })
  expect((await assistantOf(broker, 'dan')).code).toBe('fenced')
  expect((await assistantOf(broker, 'DAN')).code).toBe('fenced')
  expect((await assistantOf(broker, 'bob')).status).toBe('active')
  const lift = async (name: string) =>
    broker.call('DELETE', `/v1/admin/fences/${fence.body.id}`, { token: await broker.admin(asAdmin(name)) })
  expectRefusal(await lift('dan'), 403, 'forbidden')
  expect((await lift('bob')).status).toBe(200)
})

test('the agent as a whole is let go on by nobody for whom it has worked', async () => {
  await assistantOf(broker, 'eve')
  await assistantOf(broker, 'bob')
  const order = async (verb: string, name: string) =>
    broker.call('POST', `/v1/admin/agents/claude-code/${verb}`, {
      token: await broker.admin(asAdmin(name)),
      body: { reason: 'a test' },
    })
  await order('suspend', 'eve')
  expect((await assistantOf(broker, 'bob')).code).toBe('agent_suspended')
  expectRefusal(await order('resume', 'eve'), 403, 'forbidden')
  expectRefusal(await order('resume', 'bob'), 403, 'forbidden')
  expect((await order('resume', 'frank')).status).toBe(200)
})

test('lists go by the owner of the task, and the agent itself shows the claim', async () => {
  const { id } = await assistantOf(broker, 'gus')
  const list = async (what: string) =>
    (await broker.call('GET', `/v1/admin/${what}`, { token: await broker.admin() })).body.items
  expect((await list('tasks?owner=gus@acme.dev')).map((task: { id: string }) => task.id)).toEqual([id])
  expect(await list('agents?name=claude-code')).toMatchObject([{ owner: { claim: 'email' } }])
  expect(await list('agents?owner=gus@acme.dev')).toMatchObject([{ name: 'claude-code' }])
  expect(await list('agents?owner=nobody@acme.dev')).toEqual([])
})
