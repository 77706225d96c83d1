/** The parameters of a call to OAuth's endpoints, from a form or from JSON alike. */
import type { Context } from 'hono'
import { BrokerError } from '../base/errors.ts'
import { JsonFault, parseJson } from '../base/json.ts'
import type { Env } from './context.ts'
import { UnfitRequest } from './problem.ts'

/** By name; one without a value counts as omitted (RFC 6749 §3.2). What a form has as text is text in JSON too, or what it says. */
export type Parameters = Readonly<Record<string, unknown>>

/** @throws BrokerError `invalid_request` for one that is given twice, and may not be */
export async function parameters(c: Context<Env>): Promise<Parameters> {
  const type = c.req.header('Content-Type') ?? ''
  const body = await c.req.text()
  if (/^application\/x-www-form-urlencoded\s*(;|$)/i.test(type)) return fromForm(body)
  if (/^application\/json(?:\s*;\s*charset=utf-8)?\s*$/i.test(type)) return fromJson(body)
  throw new UnfitRequest(415, 'the body must be application/x-www-form-urlencoded or application/json')
}

/** RFC 8693 §2.1: these alone may be given several times. They are lists then, as in JSON. */
const severally = ['resource', 'audience']

function fromForm(body: string): Parameters {
  const form = new URLSearchParams(body)
  const written = [...new Set(form.keys())].map((name) => [name, form.getAll(name)] as const)
  if (written.some(([name, values]) => values.length > 1 && !severally.includes(name)))
    throw new BrokerError('invalid_request', 'a parameter is given twice')
  return withValues(written.map(([name, values]) => [name, values.length > 1 ? values : values[0]]))
}

function fromJson(body: string): Parameters {
  let value: unknown
  try {
    value = parseJson(body)
  } catch (error) {
    if (error instanceof JsonFault) throw new BrokerError('invalid_request', `the body ${error.message}`)
    throw error
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new BrokerError('invalid_request', 'the body is not an object')
  return withValues(Object.entries(value))
}

function withValues(written: readonly (readonly [string, unknown])[]): Parameters {
  return Object.fromEntries(written.filter(([, value]) => value !== '' && value !== null))
}
