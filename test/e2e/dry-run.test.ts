import { expect, test } from 'vitest'
import { readWeb, writeWeb } from '../support/broker.ts'
import { rows } from '../support/database.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()

const infra = { ...writeWeb, repositories: ['acme/infra'] }
const docs = { ...writeWeb, repositories: ['acme/docs'] }

/** What there is to keep of a request. */
const kept = () => ({
  tasks: rows(broker, 'tasks').length,
  leases: rows(broker, 'leases').length,
  approvals: rows(broker, 'approvals').length,
  used: rows(broker, 'used_tokens').length,
  requests: broker.sandbox.github.requests.length,
})

test('a dry run tells what would be granted, and keeps nothing', async () => {
  const before = kept()
  const { status, body } = await broker.open({
    dry_run: true,
    authorization_details: [writeWeb, readWeb],
    ttl: 60,
  })
  expect(status).toBe(200)
  expect(body).toEqual({
    decision: 'allowed',
    agent: 'refactor-bot',
    owner: 'linus@acme.dev',
    ttl: 60,
    approvals: [],
    denials: [],
    leases: [
      {
        provider: 'github',
        connection: 'acme',
        authorization_detail: writeWeb,
        class: 'write',
        revocation: 'immediate',
      },
      {
        provider: 'github',
        connection: 'acme',
        authorization_detail: readWeb,
        class: 'read',
        revocation: 'immediate',
      },
    ],
  })
  expect(kept()).toEqual(before)
})

test('a dry run names whose approval is needed', async () => {
  const before = kept()
  const { status, body } = await broker.open({ dry_run: true, authorization_details: [infra] })
  expect(status).toBe(200)
  expect(body).toMatchObject({ decision: 'pending_approval', approvals: ['security'], denials: [] })
  expect(kept()).toEqual(before)
})

test('a dry run names the policies that deny', async () => {
  const { status, body } = await broker.open({ dry_run: true, authorization_details: [docs] })
  expect(status).toBe(200)
  expect(body).toMatchObject({ decision: 'denied', approvals: [] })
  expect(body.denials).toContainEqual({
    action: 'github.contents.write',
    resource: 'GithubRepository::"acme/docs"',
    policies: ['docs-are-read-only'],
  })
})

test('the token of a dry run still opens a task', async () => {
  const token = await broker.workload()
  const asked = { purpose: 'a test', authorization_details: [writeWeb] }
  const dry = await broker.call('POST', '/v1/tasks', { token, body: { ...asked, dry_run: true } })
  expect(dry.status).toBe(200)
  expect((await broker.call('POST', '/v1/tasks', { token, body: asked })).status).toBe(201)
})
