/** A broker whose every answer is held against its own description. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import type { Answer, TestBroker, TestBrokerOptions } from './broker.ts'
import { sharedBroker } from './shared-broker.ts'

interface Operation {
  responses: Record<string, { content?: Record<string, unknown> }>
}

export interface Description {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, { properties: Record<string, { pattern?: string }> }> }
}

/** Throws for an answer whose status, media type or body is not what `document` says of the call. */
export function answerCheck(document: Description) {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  formats.default(ajv)
  ajv.addSchema(document, 'openapi')
  const compiled = new Map<string, ValidateFunction>()
  const paths = Object.keys(document.paths).map((template) => ({
    template,
    pattern: new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
  }))

  return (method: string, path: string, { status, headers, body }: Answer): void => {
    const { template } = paths.find(({ pattern }) => pattern.test(path.split('?')[0]!)) ?? {}
    const verb = method.toLowerCase()
    const operation = template === undefined ? undefined : document.paths[template]?.[verb]
    if (template === undefined || !operation) return
    const named = String(status) in operation.responses ? String(status) : 'default'
    const content = operation.responses[named]?.content
    const complain = (what: string) => {
      throw new Error(`${method} ${path} answered ${status}, not as described: ${what}`)
    }
    if (named === 'default' && status < 400) return complain('no such success is described')
    if (!content) return body === '' ? undefined : complain('a body, where none is described')
    const type = headers.get('Content-Type')?.split(';')[0] ?? ''
    if (!(type in content)) return complain(`its type is ${type}`)
    const pointer = ['paths', template, verb, 'responses', named, 'content', type, 'schema']
      .map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1')))
      .join('/')
    // A member that the description does not name is one that nobody meant to give out.
    const valid =
      compiled.get(pointer) ?? ajv.compile({ $ref: `openapi#/${pointer}`, unevaluatedProperties: false })
    compiled.set(pointer, valid)
    if (!valid(body)) complain(ajv.errorsText(valid.errors))
  }
}

/** One for all the tests of a file. */
export async function describedBroker(options?: TestBrokerOptions): Promise<TestBroker> {
  const broker = await sharedBroker(options)
  const call = broker.call
  const { body: document } = await call('GET', '/openapi.json')
  const check = answerCheck(document)
  // The harness's other methods go through this one.
  broker.call = async (method, path, asked) => {
    const answer = await call(method, path, asked)
    check(method, path, answer)
    return answer
  }
  return broker
}
