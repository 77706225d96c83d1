import { expect, test } from 'vitest'
import { answer, ask, needing } from '../support/approvals.ts'
import { agentFiles, subjectOf } from '../support/agents.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const { settings, files } = needing('security')
const broker = await sharedBroker({
  settings,
  files: { ...files, ...agentFiles('subject-bot', { owner: 'auth0|ada' }) },
})

test.each([
  ['email', { sub: 'someone', email: 'linus@acme.dev' }],
  ['email in other letters', { sub: 'someone', email: 'Linus@ACME.dev' }],
  ['verified email', { sub: 'someone', email: 'linus@acme.dev', email_verified: true }],
  // What its issuer has not verified proves nothing for its holder, and is still a reason to refuse them.
  ['email that is not verified', { sub: 'someone', email: 'linus@acme.dev', email_verified: false }],
  ['subject', { sub: 'linus@acme.dev', email: 'other@acme.dev' }],
  ['subject alone', { sub: 'linus@acme.dev', email: undefined }],
])('an owner known by their %s does not approve for their own agent', async (_how, claims) => {
  const task = await ask(broker)
  expectRefusal(await answer(broker, 'approve', task.approvals[0], { claims }), 403, 'forbidden')
  expect((await broker.read(task)).body.status).toBe('pending_approval')
})

test('an owner who is named by their subject does not either', async () => {
  const { body: task } = await broker.open(
    {
      authorization_details: [
        { type: 'github', repositories: ['acme/infra'], permissions: { contents: 'write' } },
      ],
    },
    { sub: subjectOf('subject-bot') },
  )
  const claims = { sub: 'auth0|ada', email: 'ada@acme.dev' }
  expectRefusal(await answer(broker, 'approve', task.approvals[0], { claims }), 403, 'forbidden')
})

test('saying no to it is theirs', async () => {
  const task = await ask(broker)
  const claims = { sub: 'someone', email: 'linus@acme.dev' }
  expect((await answer(broker, 'deny', task.approvals[0], { claims })).body.status).toBe('denied')
})
