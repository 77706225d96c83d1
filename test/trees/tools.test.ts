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

const parent = async () => (await broker.open({ authorization_details: [readWeb] })).body

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
