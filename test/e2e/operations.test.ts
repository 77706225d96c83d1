import { expect, test } from 'vitest'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()

test('it is healthy and ready, also while its upstream is down', async () => {
  const down = broker.sandbox.github.faults.add({ kind: 'reset' })
  expect(await broker.call('GET', '/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } })
  expect(await broker.call('GET', '/readyz')).toMatchObject({ status: 200, body: { status: 'ready' } })
  down.clear()
})

test('its metrics are in the Prometheus text format', async () => {
  const { status, headers, body } = await broker.call('GET', '/metrics')
  expect(status).toBe(200)
  expect(headers.get('Content-Type')).toMatch(/^text\/plain; version=0\.0\.4/)
  expect(body).toMatch(/^# TYPE process_cpu_user_seconds_total counter$/m)
})

test('its description names every call, and the refusals of each', async () => {
  const { status, body } = await broker.call('GET', '/openapi.json')
  expect(status).toBe(200)
  expect(body.openapi).toBe('3.1.0')
  const calls = Object.entries<Record<string, { responses: object }>>(body.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { responses }]) => ({ call: `${method} ${path}`, responses })),
  )
  expect(calls.map(({ call }) => call)).toEqual(
    expect.arrayContaining([
      'post /v1/tasks',
      'get /v1/tasks/{id}',
      'post /v1/tasks/{id}/credentials',
      'post /v1/tasks/{id}/leases/{lease}/revoke',
      'post /v1/tasks/{id}/complete',
      'post /v1/admin/revocations',
    ]),
  )
  const described = { default: { content: { 'application/problem+json': expect.anything() } } }
  for (const { call, responses } of calls.filter((each) => each.call.includes('/v1/')))
    expect({ call, ...responses }).toMatchObject(described)
})

test('every answer has a request id of its own, whatever the caller sends', async () => {
  const answers = [
    await broker.call('GET', '/healthz', { headers: { 'X-Request-Id': 'mine' } }),
    await broker.open(),
    await broker.call('GET', '/nowhere'),
    await broker.call('POST', '/v1/tasks'),
  ]
  const ids = answers.map(({ headers }) => headers.get('X-Request-Id'))
  for (const id of ids) expect(id).toMatch(/^req_[0-9a-f]{32}$/)
  expect(new Set(ids).size).toBe(ids.length)
})

test('no answer may be kept by a cache', async () => {
  expect((await broker.open()).headers.get('Cache-Control')).toBe('no-store')
})

test('a path that does not exist is not found', async () => {
  expectRefusal(await broker.call('GET', '/v1/nothing'), 404, 'not_found')
})
