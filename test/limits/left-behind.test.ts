/**
 * A request whose client went away before the broker came to it, as where the broker stood still: under its
 * `Idempotency-Key` the client has long been answered elsewhere, and what it got there stays good.
 */
import { once } from 'node:events'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { type Answer, readWeb, writeWeb } from '../support/broker.ts'
import { rows } from '../support/database.ts'
import { describedBroker } from '../support/described-broker.ts'
import { form, post } from '../support/oauth-form.ts'
import { rawRequest } from '../support/raw-http.ts'

const broker = await describedBroker()
const { ledger } = broker.sandbox
const opening = { purpose: 'a test', authorization_details: [writeWeb], ttl: 600 }

/** The broker finds the request, and that nobody waits for the answer, when the database lets it go on. */
async function leftBehind(path: string, headers: string[], body: string): Promise<void> {
  using other = new DatabaseSync(join(broker.directory, 'mayfly.db'))
  other.exec('BEGIN IMMEDIATE')
  const request = rawRequest(`${broker.url}${path}`, { method: 'POST', headers, body })
  request.on('error', () => undefined)
  await once(request, 'finish')
  // Its commit waits for the other's, and so does this one, which comes behind it.
  await broker.call('GET', '/healthz')
  const behind = broker.open()
  request.destroy()
  await broker.call('GET', '/healthz')
  other.exec('COMMIT')
  expect((await behind).status).toBe(201)
}

const json = (token: string, key: string) => [
  'Authorization',
  `Bearer ${token}`,
  'Content-Type',
  'application/json',
  'Idempotency-Key',
  key,
]

async function opened(token: string, key: string): Promise<Answer['body']> {
  const headers = { 'Idempotency-Key': key }
  return (await broker.call('POST', '/v1/tasks', { token, body: opening, headers })).body
}

test('opening: the task token that was answered with stays good', async () => {
  const token = await broker.workload()
  const task = await opened(token, 'opening')
  await leftBehind('/v1/tasks', json(token, 'opening'), JSON.stringify(opening))
  expect((await broker.read(task)).status).toBe(200)
  expect(rows(broker, 'audit_events', `task = '${task.id}' and type = 'task.resumed'`)).toEqual([])
})

test('opening for the first time: nothing is opened, and the token is not used up', async () => {
  const token = await broker.workload()
  await leftBehind('/v1/tasks', json(token, 'first'), JSON.stringify(opening))
  const answer = await broker.call('POST', '/v1/tasks', { token, body: opening })
  expect(answer.status).toBe(201)
})

test('minting: the credential that was answered with stays good', async () => {
  const task = await opened(await broker.workload(), 'minting')
  const path = `/v1/tasks/${task.id}/credentials`
  const body = { authorization_detail: readWeb }
  const headers = { 'Idempotency-Key': 'credential' }
  const minted = await broker.call('POST', path, { token: task.task_token, body, headers })
  expect(minted.status).toBe(201)
  await leftBehind(path, json(task.task_token, 'credential'), JSON.stringify(body))
  expect((await broker.read(task)).body.leases).toMatchObject([{ status: 'active' }])
  expect(ledger.find(minted.body.credential.token)!.revokedAt).toBeUndefined()
})

test('exchanging: what was answered with stays good, and nothing is minted beside it', async () => {
  const asked = (await form(broker)) as Record<string, string>
  const answer = await post(broker, '/oauth/token', asked, { 'Idempotency-Key': 'exchange' })
  expect(answer.status).toBe(200)
  const before = ledger.entries.length
  const type = ['Content-Type', 'application/x-www-form-urlencoded', 'Idempotency-Key', 'exchange']
  await leftBehind('/oauth/token', type, new URLSearchParams(asked).toString())
  const { task, task_token } = answer.body
  expect((await broker.read({ ...task, task_token })).body.leases).toMatchObject([{ status: 'active' }])
  expect(ledger.entries).toHaveLength(before)
  expect(ledger.find(answer.body.access_token)!.revokedAt).toBeUndefined()
})
