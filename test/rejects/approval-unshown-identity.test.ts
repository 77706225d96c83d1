import { expect, test } from 'vitest'
import { agentFiles, subjectOf } from '../support/agents.ts'
import { answer, ask, infra, needing } from '../support/approvals.ts'
import { rows } from '../support/database.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const { settings, files } = needing('security')
const broker = await sharedBroker({
  settings,
  files: { ...files, ...agentFiles('subject-bot', { owner: 'auth0|ada' }) },
})

/** The owner, known by an address, could have left it out of their token. */
const unshown: [string, Record<string, unknown>][] = [
  ['no email', { email: undefined, email_verified: undefined }],
  ['no email, said to be verified', { email: undefined, email_verified: true }],
  ['an email that nobody has verified', { email: 'other@acme.dev', email_verified: false }],
  ['an email of which nothing is said', { email: 'other@acme.dev', email_verified: undefined }],
  ['an email that is no text', { email: ['other@acme.dev'], email_verified: true }],
  ['an email that is empty', { email: '', email_verified: true }],
  ['an email that is no address', { email: 'n/a', email_verified: true }],
  ['a verification that is no yes', { email: 'other@acme.dev', email_verified: 'no' }],
]

test.each(unshown)('%s: nobody can say that it is not the owner', async (_what, claims) => {
  const task = await ask(broker)
  const given = { claims: { sub: 'someone', ...claims } }
  expectRefusal(await answer(broker, 'approve', task.approvals[0], given), 403, 'forbidden')
  expect((await broker.read(task)).body.status).toBe('pending_approval')
  const [denied] = rows(broker, 'audit_events', "type = 'request.denied' order by seq desc limit 1")
  expect(denied).toMatchObject({ actor: 'admin:sandbox:someone', task: task.id })
})

test.each([
  ['a verified email', { email: 'other@acme.dev', email_verified: true }],
  ['a verified email of an issuer that writes text', { email: 'other@acme.dev', email_verified: 'true' }],
  ['a subject that is an address', { sub: 'other@acme.dev', email: undefined, email_verified: undefined }],
])('%s can be compared, and is another', async (_what, claims) => {
  const task = await ask(broker)
  const { body } = await answer(broker, 'approve', task.approvals[0], {
    claims: { sub: 'someone', ...claims },
  })
  expect(body.status).toBe('active')
})

test('with an owner who is known by subject every token can be compared', async () => {
  const { body: task } = await broker.open(
    { authorization_details: [infra] },
    { sub: subjectOf('subject-bot') },
  )
  const { body } = await answer(broker, 'approve', task.approvals[0], {
    claims: { sub: 'someone', email: undefined, email_verified: undefined },
  })
  expect(body.status).toBe('active')
})

test('saying no takes no such proof', async () => {
  const task = await ask(broker)
  const claims = { sub: 'someone', email: undefined, email_verified: undefined }
  expect((await answer(broker, 'deny', task.approvals[0], { claims })).body.status).toBe('denied')
})
