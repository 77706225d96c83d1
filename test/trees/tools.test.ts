/** Calls of tools in a tree of tasks: who said yes to what, and what a bounded task may call. */
import { expect, test } from 'vitest'
import { agentFiles } from '../support/agents.ts'
import { readWeb } from '../support/broker.ts'
import { openChild } from '../support/children.ts'
import { describedBroker } from '../support/described-broker.ts'

const broker = await describedBroker({
  files: {
    ...agentFiles('helper-bot'),
    'policies/tools.cedar': `
@id("tools") permit (principal, action in Mayfly::Action::"tool", resource);
@id("helper-reads") permit (principal == Mayfly::Agent::"helper-bot", action in Mayfly::Action::"read", resource);
@id("bot-has-no-shell")
forbid (principal == Mayfly::Agent::"refactor-bot", action == Mayfly::Action::"tool.Shell", resource);
@id("publishing") @approval("security")
forbid (principal, action == Mayfly::Action::"tool.publish", resource)
unless { context.approvals.contains("security") };
@id("helper-deploys") @approval("security")
forbid (principal == Mayfly::Agent::"helper-bot", action == Mayfly::Action::"tool.deploy", resource)
unless { context.approvals.contains("security") };
@id("bot-ships") @approval("security")
forbid (principal == Mayfly::Agent::"refactor-bot", action == Mayfly::Action::"tool.ship", resource)
unless { context.approvals.contains("security") };
@id("merging") @approval("security")
forbid (principal, action == Mayfly::Action::"tool.merge", resource)
when { context.request.hasTag("branch") && context.request.getTag("branch") == "main" }
unless { context.approvals.contains("security") };`,
  },
})

type Task = { task_token: string; agent: string }
const evaluate = async (task: Task, name: string, context: object = {}) =>
  (
    await broker.call('POST', '/access/v1/evaluation', {
      token: task.task_token,
      body: {
        subject: { type: 'Agent', id: task.agent },
        action: { name: `tool.${name}` },
        resource: { type: 'Tool', id: name },
        context,
      },
    })
  ).body

const approve = async ({ id, digest }: { id: string; digest: string }) =>
  await broker.call('POST', `/v1/admin/approvals/${id}/approve`, {
    token: await broker.admin(),
    body: { digest },
  })

const parent = async (more: object = {}) =>
  (await broker.open({ authorization_details: [readWeb], ...more })).body

/** A child that asks for the tool with these words, and has its yes. */
async function approvedChild(task: Task, name: string, context: object) {
  const authorization_details = [{ type: 'tool', name }]
  const { body: child } = await openChild(broker, task, { authorization_details, context })
  expect((await approve(child.approvals[0])).status).toBe(200)
  return child
}

test('a yes to a child that asks for a tool counts in its parent, until the child ends', async () => {
  const task = await parent()
  const { context } = await evaluate(task, 'publish')
  const { body: child, status } = await openChild(broker, task, context.open)
  expect(status).toBe(202)
  const [approval] = child.approvals
  expect((await evaluate(task, 'publish')).context).toMatchObject({
    approvals: [{ group: 'security', waiting: [{ task: child.id, approval: approval.id }] }],
    remedy: expect.stringMatching(`^security decides on ${approval.id} until .*wait for ${child.id}`),
  })
  expect((await approve(approval)).status).toBe(200)
  expect(await evaluate(task, 'publish')).toEqual({ decision: true })
  expect(await evaluate(await parent(), 'publish')).toMatchObject({ decision: false })
  await broker.complete(child)
  expect(await evaluate(task, 'publish')).toMatchObject({ decision: false })
})

test('where policies read what is said, the yes is to just that', async () => {
  const task = await parent()
  const said = { branch: 'main', title: 'one' }
  const { context } = await evaluate(task, 'merge', said)
  expect(context.open).toMatchObject({ context: said })
  const { body: child } = await openChild(broker, task, context.open)
  await approve(child.approvals[0])
  expect(await evaluate(task, 'merge', said)).toEqual({ decision: true })
  expect(await evaluate(task, 'merge', { ...said, title: 'two' })).toMatchObject({ decision: false })
})

test.each<[string, object]>([
  ['leaves a word out', { channel: 'npm' }],
  ['says nothing', {}],
  ['says another', { channel: 'npm', tag: 'latest' }],
  ['says one more', { channel: 'npm', tag: 'beta', dry: 'no' }],
])('a call that %s is not the one that was approved', async (_what, said) => {
  const task = await parent()
  const approved = { channel: 'npm', tag: 'beta' }
  await approvedChild(task, 'publish', approved)
  expect(await evaluate(task, 'publish', said)).toMatchObject({
    decision: false,
    context: { code: 'pending_approval', open: { context: said } },
  })
  expect(await evaluate(task, 'publish', approved)).toEqual({ decision: true })
})

test('what the task itself was opened with is said of each of its calls, and approved with them', async () => {
  const task = await parent({ context: { branch: 'main' } })
  const contradicting = await approvedChild(task, 'publish', { branch: 'safe' })
  for (const said of [{}, { branch: 'safe' }])
    expect(await evaluate(task, 'publish', said)).toMatchObject({ decision: false })
  expect(await evaluate(contradicting, 'publish')).toEqual({ decision: true })
  const { context } = await evaluate(task, 'publish', { tag: 'beta' })
  expect(context.open.context).toEqual({ branch: 'main', tag: 'beta' })
  const { body: child } = await openChild(broker, task, context.open)
  await approve(child.approvals[0])
  expect(await evaluate(task, 'publish', { tag: 'beta' })).toEqual({ decision: true })
})

test('a task that another bounds calls what both may call', async () => {
  const task = await parent()
  const { body: child } = await openChild(broker, task, {
    agent: 'helper-bot',
    authorization_details: [readWeb],
  })
  expect(child).toMatchObject({ agent: 'helper-bot', status: 'active' })
  expect(await evaluate(child, 'Read')).toEqual({ decision: true })
  expect(await evaluate(child, 'Shell')).toMatchObject({
    decision: false,
    context: { denials: [{ policies: ['bot-has-no-shell'] }] },
  })
})

test('a call in a child is denied once what it hangs off is over', async () => {
  const task = await parent()
  const { body: child } = await openChild(broker, task, { authorization_details: [readWeb] })
  expect(await evaluate(child, 'Read')).toEqual({ decision: true })
  await broker.complete(task)
  expect(await evaluate(child, 'Read')).toMatchObject({ decision: false })
})

const inHelper = async (task: Task, authorization_details: object[]) =>
  (await openChild(broker, task, { agent: 'helper-bot', authorization_details })).body

test('where the yes to what bounds a task is missing, it is told where to ask for it', async () => {
  const task = await parent()
  const child = await inHelper(task, [readWeb])
  const said = { tag: 'beta' }
  const { context } = await evaluate(child, 'ship', said)
  expect(context).toMatchObject({
    code: 'policy_denied',
    reason: `${task.id}, which this hangs off, would need a yes of security for it now`,
    remedy: expect.stringContaining(`with the token of ${task.id}`),
    approvals: [],
  })
  expect(context).not.toHaveProperty('open')
  const above = await evaluate(task, 'ship', said)
  const { body: asking } = await openChild(broker, task, above.context.open)
  await approve(asking.approvals[0])
  expect(await evaluate(child, 'ship', said)).toEqual({ decision: true })
  expect(await evaluate(child, 'ship', { tag: 'latest' })).toMatchObject({ decision: false })
})

test('a bounded task that could not ask for the yes is not told to', async () => {
  const child = await inHelper(await parent(), [readWeb])
  const { context } = await evaluate(child, 'deploy')
  expect(context).toMatchObject({
    code: 'policy_denied',
    remedy: expect.stringContaining('with this tool among its authorization_details'),
  })
  expect(context).not.toHaveProperty('open')
})

test('one that was opened with the tool asks in a child of its own', async () => {
  const deploy = { type: 'tool', name: 'deploy' }
  const child = await inHelper(await parent({ authorization_details: [readWeb, deploy] }), [deploy])
  await approve(child.approvals[0])
  expect(await evaluate(child, 'deploy')).toEqual({ decision: true })
  const said = { to: 'staging' }
  const { context } = await evaluate(child, 'deploy', said)
  const { body: asking, status } = await openChild(broker, child, context.open)
  expect(status).toBe(202)
  expect(await evaluate(child, 'deploy', said)).toMatchObject({
    context: { approvals: [{ waiting: [{ task: asking.id }] }] },
  })
  await approve(asking.approvals[0])
  for (const caller of [child, asking])
    expect(await evaluate(caller, 'deploy', said)).toEqual({ decision: true })
  expect(await evaluate(asking, 'deploy')).toEqual({ decision: true })
  expect(await evaluate(child, 'deploy', { to: 'production' })).toMatchObject({ decision: false })
})

test('a yes to what was delegated, even to the same agent, is none to the task that delegated it', async () => {
  const deploy = { type: 'tool', name: 'publish' }
  const task = await parent({ authorization_details: [readWeb, deploy], context: { channel: 'npm' } })
  await approve(task.approvals[0])
  const { body } = await broker.call('POST', `/v1/tasks/${task.id}/delegations`, {
    token: task.task_token,
    body: { agent: task.agent, authorization_details: [deploy] },
  })
  const said = { channel: 'npm', tag: 'beta' }
  const { body: other } = await broker.open({
    delegation: body.delegation,
    authorization_details: [deploy],
    context: said,
  })
  await approve(other.approvals[0])
  expect(await evaluate(task, 'publish')).toEqual({ decision: true })
  expect(await evaluate(task, 'publish', said)).toMatchObject({ decision: false })
})
