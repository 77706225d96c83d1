/** What a task is told of what could be opened in it. */
import { expect, test } from 'vitest'
import { agentFiles } from '../support/agents.ts'
import { readWeb, writeWeb } from '../support/broker.ts'
import { openChild } from '../support/children.ts'
import { describedBroker } from '../support/described-broker.ts'

const broker = await describedBroker({
  files: {
    ...agentFiles('helper-bot'),
    'policies/helper.cedar': `
@id("helper") permit (principal == Mayfly::Agent::"helper-bot", action, resource in Mayfly::GithubOwner::"acme");
@id("no-grandchildren") @description("Two are enough")
forbid (principal == Mayfly::Agent::"refactor-bot", action in Mayfly::Action::"write", resource)
when { context.depth > 1 };`,
  },
})
const docs = { ...readWeb, repositories: ['acme/docs'] }

const explain = async (task: { task_token: string }, body: object) =>
  (await broker.call('POST', '/v1/explain', { token: task.task_token, body })).body

test('what it tells is what opening then does', async () => {
  const { body: task } = await broker.open({ authorization_details: [readWeb] })
  const asked = { authorization_details: [writeWeb] }
  expect(await explain(task, asked)).toMatchObject({ decision: 'allowed', details: [{ in_task: false }] })
  const { body: child, status } = await openChild(broker, task, asked)
  expect(status).toBe(201)
  expect(await explain(child, asked)).toMatchObject({ decision: 'allowed', details: [{ in_task: true }] })
  const below = { authorization_details: [{ ...writeWeb, repositories: ['acme/api'] }] }
  const told = await explain(child, below)
  expect(told).toMatchObject({
    decision: 'denied',
    details: [
      {
        denials: [{ policies: ['no-grandchildren'], descriptions: { 'no-grandchildren': 'Two are enough' } }],
      },
    ],
  })
  expect((await openChild(broker, child, below)).body).toMatchObject({ code: 'policy_denied' })
})

test('for another agent, what the task has bounds it', async () => {
  const { body: task } = await broker.open({ authorization_details: [readWeb] })
  const asked = { agent: 'helper-bot', authorization_details: [readWeb, docs] }
  const told = await explain(task, asked)
  expect(told).toMatchObject({ agent: 'helper-bot', decision: 'denied' })
  expect(told.details).toMatchObject([
    { decision: 'allowed', in_task: false },
    { decision: 'denied', remedy: expect.stringMatching(/^out_of_scope: /) },
  ])
  expect((await openChild(broker, task, asked)).body).toMatchObject({ code: 'out_of_scope' })
  expect(await explain(task, { agent: 'nobody' })).toMatchObject({ code: 'unknown_agent' })
})
