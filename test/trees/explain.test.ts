/** What a task is told of what could be opened in it. */
import { expect, test } from 'vitest'
import { agentFiles } from '../support/agents.ts'
import { readWeb, writeWeb } from '../support/broker.ts'
import { openChild } from '../support/children.ts'
import { rows } from '../support/database.ts'
import { describedBroker } from '../support/described-broker.ts'

const broker = await describedBroker({
  files: {
    ...agentFiles('helper-bot'),
    'policies/helper.cedar': `
@id("helper") permit (principal == Mayfly::Agent::"helper-bot", action, resource in Mayfly::GithubOwner::"acme");
@id("bot-tools") permit (principal == Mayfly::Agent::"refactor-bot", action in Mayfly::Action::"tool", resource);
@id("helper-deploys-docs")
permit (principal == Mayfly::Agent::"helper-bot", action == Mayfly::Action::"tool.deploy", resource)
when { principal.claims.hasTag("nothing") };
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
})

test('of another agent it is told no policy that trying would not tell, and no name', async () => {
  const { body: task } = await broker.open({ authorization_details: [readWeb] })
  const overview = await explain(task, { agent: 'helper-bot' })
  expect(overview).toMatchObject({
    code: 'invalid_request',
    detail: expect.stringContaining('name what you ask about'),
  })
  expect((await explain(task, { agent: 'refactor-bot' })).overview.permits).not.toEqual([])
  const asked = { authorization_details: [{ type: 'tool', name: 'deploy', resource: 'deploy' }] }
  const within = (await broker.open({ authorization_details: [readWeb, ...asked.authorization_details] }))
    .body
  const { details } = await explain(within, { ...asked, agent: 'helper-bot' })
  expect(details).toMatchObject([
    { decision: 'denied', permits: [], remedy: 'Ask for something else, or have the policy changed.' },
  ])
  expect((await explain(task, { agent: 'helper-bto' })).detail).toBe('agent: there is no agent "helper-bto"')
})

test('what is on record of it is of the agent that asked, and says whom it asked about', async () => {
  await broker.stop()
  await broker.start()
  const { body: task } = await broker.open({ authorization_details: [readWeb] })
  await explain(task, { agent: 'helper-bot', authorization_details: [readWeb] })
  await broker.stop()
  const [event] = rows(broker, 'audit_events', `type = 'request.explained' order by seq desc limit 1`)
  expect(event).toMatchObject({ actor: 'agent:refactor-bot', agent: 'refactor-bot', owner: task.owner })
  expect(JSON.parse(event!.data!)).toMatchObject({ explained: 1, about: ['helper-bot'] })
})
