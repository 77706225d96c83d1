/** `/openapi.json`, read by tools that know nothing of Mayfly. */
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { Validator } from '@seriousme/openapi-schema-validator'
import { expect, test } from 'vitest'
import { sharedBroker } from '../support/shared-broker.ts'
import { answerCheck, type Description } from '../support/described-broker.ts'

const broker = await sharedBroker()
const { body: document } = (await broker.call('GET', '/openapi.json')) as { body: Description }

interface Body {
  content?: Record<string, { example?: unknown }>
}
interface Operation {
  operationId?: string
  requestBody?: Body
  responses: Record<string, Body>
}
const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      call: `${method} ${path}`,
      at: ['paths', path, method],
      ...(operation as Operation),
    })),
  )

test('it is OpenAPI 3.1 to an independent validator', async () => {
  const validator = new Validator()
  expect(await validator.validate({ ...structuredClone(document) })).toEqual({ valid: true })
  expect(validator.version).toBe('3.1')
})

test('every operation says what it is, takes and answers', () => {
  expect(operations().map(({ call }) => call)).toEqual(
    expect.arrayContaining([
      'post /v1/explain',
      'post /oauth/token',
      'post /oauth/revoke',
      'get /v1/admin/agents',
      'get /v1/admin/tasks',
      'get /v1/admin/leases',
      'get /v1/admin/approvals',
      'get /v1/admin/audit',
      'post /v1/admin/approvals/{id}/approve',
      'post /v1/admin/approvals/{id}/deny',
      'post /v1/admin/agents/{name}/suspend',
      'post /v1/admin/agents/{name}/resume',
      'post /v1/admin/reload',
      'get /healthz',
      'get /readyz',
      'get /metrics',
    ]),
  )
  for (const operation of operations())
    expect(operation).toMatchObject({
      summary: expect.stringMatching(/./),
      responses: { default: { content: expect.anything() } },
    })
})

test('every pattern is one to other tools too, and lets plain words pass', () => {
  const patterns = [...JSON.stringify(document).matchAll(/"pattern":("(?:[^"\\\\]|\\\\.)*")/g)].map(
    ([, pattern]) => JSON.parse(pattern!) as string,
  )
  expect(patterns.length).toBeGreaterThan(0)
  for (const pattern of new Set(patterns).values()) {
    expect(() => new RegExp(pattern, 'u')).not.toThrow()
    // JSON Schema has no flags: one would be read as a part of the pattern.
    expect(pattern).not.toMatch(/\/[a-z]+$/)
  }
  const { properties } = document.components.schemas['OpenTask']!
  expect('a purpose').toMatch(new RegExp(properties['purpose']!.pattern!, 'u'))
  expect('a\npurpose').not.toMatch(new RegExp(properties['purpose']!.pattern!, 'u'))
})

test('every operation has an id of its own, by which generators name it', () => {
  const ids = operations().map(({ operationId }) => operationId)
  for (const id of ids) expect(id).toMatch(/^[a-z][A-Za-z]+$/)
  expect(new Set(ids).size).toBe(ids.length)
})

test('every body that an operation takes, and each that it succeeds with, has an example, which is one', () => {
  const ajv = new Ajv2020({ strict: false })
  formats.default(ajv)
  ajv.addSchema(document, 'openapi')
  for (const { call, at, requestBody, responses } of operations()) {
    const successes = Object.entries(responses).filter(([status]) => status.startsWith('2'))
    const bodies = [
      ...(requestBody ? [{ below: ['requestBody'], ...requestBody }] : []),
      ...successes.map(([status, response]) => ({ below: ['responses', status], ...response })),
    ]
    for (const { below, content = {} } of bodies)
      for (const [type, { example }] of Object.entries(content)) {
        const path = [...at, ...below, 'content', type, 'schema'].map((part) =>
          encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1')),
        )
        const isOne = ajv.compile({ $ref: `openapi#/${path.join('/')}`, unevaluatedProperties: false })
        expect(isOne(example), `${call}, ${below.join(' ')}: ${ajv.errorsText(isOne.errors)}`).toBe(true)
      }
  }
})

test('every call but those of OAuth names the tokens that it takes', () => {
  for (const [path, methods] of Object.entries(document.paths)) {
    if (!path.startsWith('/v1/')) continue
    for (const operation of Object.values(methods))
      expect(operation).toMatchObject({ security: expect.arrayContaining([expect.anything()]) })
  }
})

test('an answer that is not as described is noticed: what the tests of this surface rely on', async () => {
  const check = answerCheck(document)
  const answer = await broker.open()
  const { body } = answer
  expect(() => check('POST', '/v1/tasks', answer)).not.toThrow()
  for (const wrong of [
    { ...answer, status: 204 },
    { ...answer, body: { ...body, status: 'done' } },
    { ...answer, body: { ...body, created_at: 'yesterday' } },
    { ...answer, body: { ...body, handle: 'x' } },
    { ...answer, body: { ...body, owner: undefined } },
    { ...answer, headers: new Headers({ 'Content-Type': 'text/html' }) },
  ])
    expect(() => check('POST', '/v1/tasks', wrong)).toThrow(/not as described/)
})
