/** `POST /v1/explain`: what may be had, what it would need, and nothing kept. */
import { expect, test } from 'vitest'
import { readWeb, writeWeb } from '../support/broker.ts'
import { rows } from '../support/database.ts'
import { describedBroker } from '../support/described-broker.ts'

const broker = await describedBroker()

const infra = { ...writeWeb, repositories: ['acme/infra'] }
const docs = { ...writeWeb, repositories: ['acme/docs'] }
const secrets = { type: 'github', repositories: ['acme/web'], permissions: { secrets: 'read' } }

const explain = async (body: Record<string, unknown>, token?: string) =>
  await broker.call('POST', '/v1/explain', { token: token ?? (await broker.workload()), body })

test('each detail is allowed, waits for somebody, or is denied, and in whose words', async () => {
  const { status, body } = await explain({ authorization_details: [readWeb, infra, docs, secrets] })
  expect(status).toBe(200)
  expect(body).toMatchObject({ agent: 'refactor-bot', owner: 'linus@acme.dev', ttl: 900, decision: 'denied' })
  const [allowed, waits, forbidden, unpermitted] = body.details
  expect(allowed).toMatchObject({ authorization_detail: readWeb, decision: 'allowed', in_task: false })
  expect(waits).toMatchObject({
    decision: 'pending_approval',
    approvals: [
      {
        group: 'security',
        policies: [
          {
            id: 'infra-needs-security',
            description: 'Security looks at every change of the infrastructure first',
          },
        ],
      },
    ],
    remedy: expect.stringMatching(/^security decides: .*wait/),
  })
  expect(forbidden).toMatchObject({
    decision: 'denied',
    denials: expect.arrayContaining([
      expect.objectContaining({ action: 'github.contents.write', policies: ['docs-are-read-only'] }),
    ]),
    permits: [{ id: 'refactor-bot-works-on-acme', actions: ['read', 'write'] }],
  })
  expect(unpermitted).toMatchObject({ decision: 'denied', denials: [{ policies: [] }] })
})

test('without details it tells what policy permits, asks for and forbids', async () => {
  const { status, body } = await explain({})
  expect(status).toBe(200)
  expect(body).toMatchObject({ decision: null, details: [], max_ttl: 3600 })
  expect(body.overview).toMatchObject({
    permits: [
      {
        id: 'refactor-bot-works-on-acme',
        actions: ['read', 'write'],
        resources: ['in GithubOwner::"acme"'],
        conditional: true,
      },
    ],
    asks: [{ id: 'infra-needs-security', group: 'security' }],
    forbids: [{ id: 'docs-are-read-only', resources: ['GithubRepository::"acme/docs"'] }],
  })
})

test('nothing is kept, and the identity token still opens a task', async () => {
  const kept = () =>
    (['tasks', 'leases', 'approvals', 'used_tokens'] as const).map((table) => rows(broker, table).length)
  const [token, before] = [await broker.workload(), kept()]
  expect((await explain({ authorization_details: [infra, docs] }, token)).status).toBe(200)
  expect(kept()).toEqual(before)
  const opened = await broker.call('POST', '/v1/tasks', {
    token,
    body: { purpose: 'a test', authorization_details: [writeWeb] },
  })
  expect(opened.status).toBe(201)
})

test('a task is told what it may mint as it is, and what needs another', async () => {
  const { body: task } = await broker.open()
  const { status, body } = await explain({ authorization_details: [readWeb, infra] }, task.task_token)
  expect(status).toBe(200)
  expect(body.details).toMatchObject([
    { decision: 'allowed', in_task: true, remedy: 'Mint it in this task.' },
    { decision: 'pending_approval', in_task: false, remedy: expect.stringContaining('child task') },
  ])
})

test('a task that waits or is over is explained nothing', async () => {
  const waiting = (await broker.open({ authorization_details: [infra] })).body
  expect((await explain({}, waiting.task_token)).body).toMatchObject({ code: 'task_not_active' })
  const { body: over } = await broker.open()
  await broker.complete(over)
  expect((await explain({}, over.task_token)).body).toMatchObject({ code: 'task_not_active' })
})

test('what the caller says of the task counts as it would on opening', async () => {
  const asked = { authorization_details: [readWeb], ttl: 3601 }
  expect((await explain(asked)).body).toMatchObject({ code: 'invalid_request' })
  const { body } = await explain({
    authorization_details: [{ ...readWeb, permissions: { content: 'read' } }],
  })
  expect(body).toMatchObject({ code: 'invalid_request', detail: expect.stringContaining('contents') })
})

test('who is suspended is told that, and nothing of policy', async () => {
  const token = await broker.workload()
  const { body: task } = await broker.open()
  const suspend = async (verb: string) =>
    broker.call('POST', `/v1/admin/agents/refactor-bot/${verb}`, {
      token: await broker.admin(),
      body: { reason: 'a test' },
    })
  await suspend('suspend')
  try {
    expect((await explain({ authorization_details: [docs] }, token)).body).toMatchObject({
      code: 'agent_suspended',
    })
    expect((await explain({}, task.task_token)).status).not.toBe(200)
  } finally {
    await suspend('resume')
  }
})

test('a stranger is told nothing', async () => {
  const token = await broker.workload({ repository_id: '999', sub: 'repo:evil/web:ref:refs/heads/main' })
  expect((await explain({}, token)).body).toMatchObject({ code: 'unknown_agent' })
  expect((await explain({}, 'mft_' + 'x'.repeat(43))).body).toMatchObject({ code: 'invalid_token' })
})
