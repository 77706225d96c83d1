/** The query protocol: a form comes in, XML goes out ("Making query requests"). */
import type { HttpBindings } from '@hono/node-server'
import { randomUUID } from 'node:crypto'
import { Hono, type Context } from 'hono'
import { AwsRefusal } from './refusal.ts'

/** What an operation gets: its parameters, by name. It must take every one of them. */
export class Parameters {
  readonly #left: Map<string, string>

  constructor(form: URLSearchParams) {
    this.#left = new Map(form)
    if (this.#left.size < [...form].length) throw invalid('a parameter is given twice')
  }

  /** Undefined where it is missing. @throws a refusal where it does not match. */
  take(name: string, pattern: RegExp, [shortest, longest]: readonly [number, number]): string | undefined {
    const value = this.#left.get(name)
    this.#left.delete(name)
    if (value === undefined) return undefined
    if (value.length < shortest || value.length > longest)
      throw invalid(
        `Value at '${name}' failed to satisfy constraint: length between ${shortest} and ${longest}`,
      )
    if (!pattern.test(value))
      throw invalid(`Value at '${name}' failed to satisfy constraint: Member must satisfy ${pattern.source}`)
    return value
  }

  need(name: string, pattern: RegExp, bounds: readonly [number, number]): string {
    const value = this.take(name, pattern, bounds)
    if (value === undefined)
      throw invalid(`Value null at '${name}' failed to satisfy constraint: Member must not be null`)
    return value
  }

  /** How many members a list has: `Tags.member.1.Key`, … */
  members(name: string): number {
    const indices = [...this.#left.keys()].flatMap(
      (key) => new RegExp(`^${name}\\.member\\.(\\d+)\\.`).exec(key)?.[1] ?? [],
    )
    return Math.max(0, ...indices.map(Number))
  }

  /** What nobody has asked for is a mistake: AWS would ignore it, and nobody would notice. */
  done(): void {
    const [name] = this.#left.keys()
    if (name !== undefined) throw invalid(`unknown parameter ${name}`)
  }
}

export function invalid(message: string): AwsRefusal {
  return new AwsRefusal(400, 'ValidationError', `1 validation error detected: ${message}`)
}

/** What an operation answers: elements by name; a list is written as its members. */
export type Answer = { [name: string]: string | number | boolean | string[] | Answer | undefined }

export type Operation = (c: Context, parameters: Parameters) => Promise<Answer | undefined>

/** Serves operations at one path. `noted` is told the name of each that is called. */
export function queryRoutes(
  service: { path: string; version: string; namespace: string },
  operations: Record<string, Operation>,
  noted: (action: string) => void,
): Hono<{ Bindings: HttpBindings }> {
  const { path, version, namespace } = service
  const app = new Hono<{ Bindings: HttpBindings }>()
  const xml = (c: Context, status: number, text: string) =>
    c.body(text, status as 200, { 'content-type': 'text/xml', 'x-amzn-requestid': randomUUID() })

  app.post(path, async (c) => {
    try {
      const form = new URLSearchParams(await c.req.text())
      const parameters = new Parameters(form)
      const action = parameters.need('Action', /^\w+$/, [1, 64])
      if (parameters.need('Version', /./, [1, 16]) !== version)
        throw new AwsRefusal(400, 'InvalidAction', `Could not find operation ${action} for this version`)
      const operation = Object.hasOwn(operations, action) ? operations[action] : undefined
      if (!operation) throw new AwsRefusal(400, 'InvalidAction', `Could not find operation ${action}`)
      noted(action)
      const answer = await operation(c, parameters)
      const result = answer ? element(`${action}Result`, answer) : ''
      const meta = element('ResponseMetadata', { RequestId: randomUUID() })
      return xml(c, 200, `<${action}Response xmlns="${namespace}">${result}${meta}</${action}Response>`)
    } catch (error) {
      if (!(error instanceof AwsRefusal)) throw error
      const { status, code, message } = error
      const body = element('Error', { Type: 'Sender', Code: code, Message: message })
      return xml(
        c,
        status,
        `<ErrorResponse xmlns="${namespace}">${body}<RequestId>${randomUUID()}</RequestId></ErrorResponse>`,
      )
    }
  })
  return app
}

export function element(name: string, value: Answer[string]): string {
  if (value === undefined) return ''
  const inner = Array.isArray(value)
    ? value.map((each) => element('member', each)).join('')
    : typeof value === 'object'
      ? Object.entries(value)
          .map(([key, each]) => element(key, each))
          .join('')
      : String(value).replace(/[<>&"]/g, (char) => `&#${char.charCodeAt(0)};`)
  return `<${name}>${inner}</${name}>`
}
