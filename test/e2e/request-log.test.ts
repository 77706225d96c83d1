/** A line for each request: what it was, how it went and whom it concerned, and never a secret. */
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { type Answer, readWeb } from '../support/broker.ts'
import { rows } from '../support/database.ts'
import { exchange, revoke } from '../support/oauth-form.ts'
import { found } from '../support/secrets.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until } from '../support/until.ts'

const broker = await sharedBroker()

/** The one line about the request that was answered so. */
function lineOf({ headers }: Answer) {
  const id = headers.get('X-Request-Id')!
  const lines = broker.log.filter((line) => line.includes(id)).map((line) => JSON.parse(line))
  expect(lines).toHaveLength(1)
  const { request_id, level, msg, time, ms, ...rest } = lines[0]
  expect({ request_id, level, msg }).toEqual({ request_id: id, level: 'info', msg: 'request' })
  expect(new Date(time).toISOString()).toBe(time)
  expect(ms).toBeGreaterThanOrEqual(0)
  return rest
}

test('of every kind of call', async () => {
  const opened = await broker.open()
  const { body: task } = opened
  const about = { agent: 'refactor-bot', task: task.id }
  expect(lineOf(opened)).toEqual({ method: 'POST', route: '/v1/tasks', status: 201, ...about })
  const minted = await broker.mint(task, readWeb)
  expect(lineOf(minted)).toEqual({
    method: 'POST',
    route: '/v1/tasks/:id/credentials',
    status: 201,
    ...about,
  })
  expect(lineOf(await broker.complete(task))).toMatchObject({ route: '/v1/tasks/:id/complete', ...about })
  const exchanged = await exchange(broker)
  const exchangedAbout = { agent: 'refactor-bot', task: exchanged.body.task.id }
  expect(lineOf(exchanged)).toMatchObject({ route: '/oauth/token', status: 200, ...exchangedAbout })
  const revoked = await revoke(broker, exchanged.body.access_token)
  expect(lineOf(revoked)).toMatchObject({ route: '/oauth/revoke', status: 200, ...exchangedAbout })
  const asked = await broker.call('GET', '/v1/admin/tasks', { token: await broker.admin() })
  expect(lineOf(asked)).toEqual({ method: 'GET', route: '/v1/admin/tasks', status: 200 })
  expect(lineOf(await broker.call('GET', '/healthz'))).toMatchObject({ route: '/healthz', status: 200 })
})

test('of every kind of refusal, with its code', async () => {
  const { body: task } = await broker.open({ authorization_details: [readWeb] })
  const refusals: [Answer, object][] = [
    [await broker.call('GET', '/v1/tasks/x', { token: 'x' }), { status: 401, code: 'invalid_token' }],
    [await broker.open({ ttl: 0 }), { status: 400, code: 'invalid_request', route: '/v1/tasks' }],
    [await broker.mint(task), { code: 'out_of_scope', agent: 'refactor-bot', task: task.id }],
    [await broker.open({ agent: 'x' }), { code: 'unknown_agent' }],
    [await exchange(broker, { subject_token: 'x' }), { status: 400, code: 'invalid_token' }],
    [await broker.call('GET', '/nowhere'), { status: 404, code: 'not_found' }],
    [await broker.call('PUT', '/v1/tasks'), { status: 405, code: 'invalid_request' }],
    [await broker.call('GET', '/healthz/mft_x'), { status: 404 }],
  ]
  for (const [answer, expected] of refusals) expect(lineOf(answer)).toMatchObject(expected)
})

test('of what is no request at all', async () => {
  const { hostname, port } = new URL(broker.url)
  const socket = connect(Number(port), hostname)
  let received = ''
  socket.setEncoding('utf8').on('data', (text: string) => (received += text))
  socket.end('nonsense\r\n\r\n')
  await until(() => /x-request-id: (req_\w+)/i.test(received))
  const [, id] = /x-request-id: (req_\w+)/i.exec(received)!
  const lines = broker.log.filter((line) => line.includes(id!)).map((line) => JSON.parse(line))
  expect(lines).toMatchObject([{ request_id: id, status: 400, code: 'invalid_request' }])
})

test('what is in a path, a query or a header stays out of it', async () => {
  const { body: task } = await broker.open()
  const { body: minted } = await broker.mint(task, readWeb)
  const workload = await broker.workload()
  const secrets = [task.task_token, minted.credential.token, workload, 'a word of the caller']
  for (const secret of secrets) {
    await broker.call('GET', `/v1/tasks/${encodeURIComponent(secret)}`, { token: task.task_token })
    await broker.call('GET', `/${encodeURIComponent(secret)}`, { token: secret })
    await broker.call('GET', `/v1/admin/tasks?agent=${encodeURIComponent(secret)}`, { token: workload })
    await broker.call('POST', `/v1/admin/agents/${encodeURIComponent(secret)}/suspend`, {
      token: await broker.admin(),
      body: { reason: 'a test', [secret]: secret },
    })
    await revoke(broker, secret)
  }
  expect(found(broker.log.join(''), secrets)).toEqual([])
})

test('a refusal on record says which request it was, and so does what a request did', async () => {
  const events = (id: string) =>
    rows(broker, 'audit_events', `request = '${id}' order by seq`).map(({ type }) => type)
  const { body: task, headers } = await broker.open({ authorization_details: [readWeb] })
  expect(events(headers.get('X-Request-Id')!)).toEqual(['task.opened'])
  const { body: refused } = await broker.mint(task)
  expect(events(refused.request_id)).toEqual(['request.denied'])
  const minted = await broker.mint(task, readWeb)
  const id = minted.headers.get('X-Request-Id')!
  expect(events(id)).toEqual(['lease.intended', 'lease.minted'])
  const token = await broker.admin()
  const { body } = await broker.call('GET', `/v1/admin/audit?request_id=${id}`, { token })
  expect(body.items).toMatchObject([
    { type: 'lease.minted', request_id: id },
    { type: 'lease.intended', request_id: id },
  ])
})

test('of an identity that matches no agent: who it is, which rule came nearest, and where they part', async () => {
  const claims = { sub: 'repo:acme/web:environment:publish', repository_id: '123' }
  const refused = await broker.open({}, claims)
  expect(refused.body).toMatchObject({ code: 'unknown_agent', detail: 'this identity matches no agent' })
  const line = broker.log.find((each) => each.includes(refused.headers.get('X-Request-Id')!))!
  expect(JSON.parse(line)).toMatchObject({
    level: 'warn',
    msg: 'an identity matches no agent',
    code: 'unknown_agent',
    unmatched: {
      issuer: 'sandbox',
      subject: claims.sub,
      nearest: {
        agent: 'refactor-bot',
        claim: 'sub',
        expected: ['repo:acme/web:ref:refs/heads/main'],
        found: [claims.sub],
      },
    },
  })
})

test('its caller is told no more than its own token shows', async () => {
  const sub = 'repo:acme@65/web@123:ref:refs/heads/main'
  const other = await broker.open({}, { sub, repository_id: '124' })
  expect(other.body.detail).toContain('the other of the two forms of its subject')
  const audience = await broker.open({}, { aud: 'https://else.test' })
  expect(audience.body.detail).toBe(
    `the token was refused: aud is not for this broker, which expects ${broker.url}`,
  )
})
