/** Calls of tools: decided as AuthZEN asks it, with `forbid` and approval as everywhere, and put on record without what was said. */
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { readWeb } from '../support/broker.ts'
import { rows } from '../support/database.ts'
import { describedBroker } from '../support/described-broker.ts'

const broker = await describedBroker({
  files: {
    'policies/tools.cedar': `
@id("tools") permit (principal, action in Mayfly::Action::"tool", resource);
@id("no-force") @description("Nobody rewrites history")
forbid (principal, action == Mayfly::Action::"tool.Bash", resource)
when { context.request.hasTag("command") && context.request.getTag("command") like "git push*--force*" };
@id("publishing") @approval("security") @description("What is published cannot be taken back")
forbid (principal, action == Mayfly::Action::"tool.publish", resource in Mayfly::Tool::"npm")
unless { context.approvals.contains("security") };
@id("no-crypto") forbid (principal, action, resource == Mayfly::Tool::"wallet/send");`,
  },
})

const open = async (...details: unknown[]) =>
  (await broker.open({ authorization_details: [readWeb, ...details] })).body

const evaluate = (task: { task_token: string }, name: string, id = name.slice(5), more: object = {}) =>
  broker.call('POST', '/access/v1/evaluation', {
    token: task.task_token,
    body: {
      subject: { type: 'Agent', id: 'refactor-bot' },
      action: { name },
      resource: { type: 'Tool', id },
      ...more,
    },
  })

test('what policy permits is allowed, whatever the scope of the task', async () => {
  const task = await open()
  const { status, body } = await evaluate(task, 'tool.Read')
  expect({ status, body }).toEqual({ status: 200, body: { decision: true } })
  const byTask = { subject: { type: 'task', id: task.id } }
  expect((await evaluate(task, 'tool.Read', 'Read', byTask)).body).toEqual({ decision: true })
})

test('a denial tells which policies, in their words, and is on record without what was said', async () => {
  const task = await open()
  const said = { context: { command: 'git push --force origin canary-3141' } }
  const { status, body } = await evaluate(task, 'tool.Bash', 'Bash', said)
  expect(status).toBe(200)
  expect(body).toMatchObject({
    decision: false,
    context: {
      code: 'policy_denied',
      denials: [
        {
          action: 'tool.Bash',
          resource: 'Tool::"Bash"',
          policies: ['no-force'],
          descriptions: { 'no-force': 'Nobody rewrites history' },
        },
      ],
    },
  })
  const [event] = rows(broker, 'audit_events', `type = 'request.denied' and task = '${task.id}'`)
  expect(JSON.parse(event!.data!)).toMatchObject({ tool: { name: 'Bash', resource: 'Bash' } })
  expect(event!.data).not.toContain('canary-3141')
  expect(broker.log.join('\n')).not.toContain('canary-3141')
  const other = { context: { command: 'git push origin main' } }
  expect((await evaluate(task, 'tool.Bash', 'Bash', other)).body).toEqual({ decision: true })
})

test('what is said in properties counts like what is said in the context', async () => {
  const task = await open()
  const forced = { properties: { command: 'git push --force' } }
  for (const more of [
    { action: { name: 'tool.Bash', ...forced } },
    { resource: { type: 'Tool', id: 'Bash', ...forced } },
  ])
    expect((await evaluate(task, 'tool.Bash', 'Bash', more)).body.decision).toBe(false)
  const both = { context: { command: 'ls' }, resource: { type: 'Tool', id: 'Bash', ...forced } }
  expect((await evaluate(task, 'tool.Bash', 'Bash', both)).body).toMatchObject({ code: 'invalid_request' })
})

test('a tool that no policy names is decided by those that name all, and one below a name by that', async () => {
  const task = await open()
  expect((await evaluate(task, 'tool.mcp', 'github/create_issue')).body.decision).toBe(true)
  expect((await evaluate(task, 'tool.mcp', 'wallet/send')).body).toMatchObject({
    decision: false,
    context: { denials: [{ policies: ['no-crypto'] }] },
  })
})

test('what needs a yes is denied until somebody gives it, to exactly that', async () => {
  const task = await open()
  const { body } = await evaluate(task, 'tool.publish', 'npm publish')
  expect(body).toMatchObject({
    decision: false,
    context: {
      code: 'pending_approval',
      reason: 'security has to say yes to this first',
      approvals: [
        {
          group: 'security',
          policies: [{ id: 'publishing', description: 'What is published cannot be taken back' }],
          waiting: [],
        },
      ],
      open: { authorization_details: [{ type: 'tool', name: 'publish', resource: 'npm publish' }] },
    },
  })
  const asking = await broker.open({ authorization_details: body.context.open.authorization_details })
  expect(asking.status).toBe(202)
  const [approval] = asking.body.approvals
  expect((await evaluate(asking.body, 'tool.publish', 'npm publish')).body).toMatchObject({
    decision: false,
    context: { code: 'task_not_active' },
  })
  const yes = await broker.call('POST', `/v1/admin/approvals/${approval.id}/approve`, {
    token: await broker.admin(),
    body: { digest: approval.digest },
  })
  expect(yes.status).toBe(200)
  expect((await evaluate(asking.body, 'tool.publish', 'npm publish')).body).toEqual({ decision: true })
  // The yes was to one package manager's command, in one task.
  expect((await evaluate(asking.body, 'tool.publish', 'npm unpublish')).body.decision).toBe(false)
  expect((await evaluate(task, 'tool.publish', 'npm publish')).body.decision).toBe(false)
})

test('a task asks for itself alone, and for tools alone', async () => {
  const task = await open()
  const subject = { type: 'User', id: 'alice' }
  expect((await evaluate(task, 'tool.Read', 'Read', { subject })).body).toMatchObject({
    decision: false,
    context: { code: 'forbidden' },
  })
  const resource = { type: 'GithubRepository', id: 'acme/web' }
  expect((await evaluate(task, 'tool.Read', 'Read', { resource })).status).toBe(400)
  expect((await evaluate(task, 'tool.*', 'Read')).status).toBe(400)
  expect((await evaluate({ task_token: await broker.workload() }, 'tool.Read')).status).toBe(401)
})

test('a task that is over, and an agent that is suspended, call nothing', async () => {
  const task = await open()
  await broker.complete(task)
  expect((await evaluate(task, 'tool.Read')).body).toMatchObject({
    decision: false,
    context: { code: 'task_not_active' },
  })
  const fence = { selector: { agent: 'refactor-bot' }, reason: 'a test' }
  const still = await open()
  const { body } = await broker.call('POST', '/v1/admin/fences', { token: await broker.admin(), body: fence })
  expect((await evaluate(still, 'tool.Read')).body).toMatchObject({ decision: false })
  await broker.call('DELETE', `/v1/admin/fences/${body.id}?reason=done`, { token: await broker.admin() })
  expect((await evaluate(still, 'tool.Read')).body).toEqual({ decision: true })
})

test('there is no credential for a tool', async () => {
  const detail = { type: 'tool', name: 'Read' }
  const task = await open(detail)
  expect((await broker.mint(task, detail)).body).toMatchObject({
    code: 'invalid_request',
    detail: expect.stringContaining('/access/v1/evaluation'),
  })
})

test('a task that names tools outlives a reload', async () => {
  const task = await open({ type: 'tool', name: 'Read' })
  const reloaded = await broker.call('POST', '/v1/admin/reload', { token: await broker.admin() })
  expect(reloaded.status).toBe(200)
  expect((await broker.read(task)).body).toMatchObject({
    status: 'active',
    upstreams: [{ provider: 'github' }, { provider: 'tool', connection: 'tools', host: null }],
  })
})

test('metadata tells where decisions are to be had', async () => {
  const { body } = await broker.call('GET', '/.well-known/authzen-configuration')
  expect(body).toEqual({
    policy_decision_point: broker.url,
    access_evaluation_endpoint: `${broker.url}/access/v1/evaluation`,
  })
})

test('a call stands on record with its name, a digest and its outcome', async () => {
  const task = await open()
  const digest = createHash('sha256').update('{"command":"ls"}').digest('hex')
  const event = { name: 'Bash', digest: `sha256:${digest}`, outcome: 'succeeded' }
  const path = `/v1/tasks/${task.id}/events`
  const { status, body } = await broker.call('POST', path, { token: task.task_token, body: event })
  expect(status).toBe(201)
  expect(body).toMatchObject({ name: 'Bash', resource: 'Bash', digest, outcome: 'succeeded' })
  const { body: found } = await broker.call('GET', `/v1/admin/audit?task=${task.id}&type=tool.called`, {
    token: await broker.admin(),
  })
  expect(found.items).toMatchObject([
    {
      actor: 'agent:refactor-bot',
      task: task.id,
      data: { name: 'Bash', resource: 'Bash', digest, outcome: 'succeeded' },
    },
  ])
  await broker.complete(task)
  expect((await broker.call('POST', path, { token: task.task_token, body: event })).body.code).toBe(
    'task_not_active',
  )
})

test('explanations know tools', async () => {
  const task = await open()
  const details = [
    { type: 'tool', name: 'Read' },
    { type: 'tool', name: 'publish', resource: 'npm' },
  ]
  const { body } = await broker.call('POST', '/v1/explain', {
    token: task.task_token,
    body: { authorization_details: details },
  })
  expect(body.details).toMatchObject([
    { decision: 'allowed', in_task: true, class: 'tool', remedy: 'Call it.' },
    { decision: 'pending_approval', in_task: false, approvals: [{ group: 'security' }] },
  ])
})
