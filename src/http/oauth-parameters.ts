/** The parameters of a call to OAuth's endpoints, from a form or from JSON alike. */
import type { Context } from 'hono'
import { BrokerError } from '../base/errors.ts'
import { JsonFault, parseJson } from '../base/json.ts'
import type { Env } from './context.ts'
import { UnfitRequest } from './problem.ts'

/** By name; one without a value counts as omitted (RFC 6749 §3.2). What a form has as text is text in JSON too, or what it says. */
export type Parameters = Readonly<Record<string, unknown>>

/** @throws BrokerError `invalid_request` for one that is given twice. */
export async function parameters(c: Context<Env>): Promise<Parameters> {
  const type = c.req.header('Content-Type') ?? ''
  const body = await c.req.text()
  if (/^application\/x-www-form-urlencoded\s*(;|$)/i.test(type)) return fromForm(body)
  if (/^application\/json(?:\s*;\s*charset=utf-8)?\s*$/i.test(type)) return fromJson(body)
  throw new UnfitRequest(415, 'the body must be application/x-www-form-urlencoded or application/json')
}

function fromForm(body: string): Parameters {
  const written = [...new URLSearchParams(body)]
  const names = new Set(written.map(([name]) => name))
  if (names.size < written.length) throw new BrokerError('invalid_request', 'a parameter is given twice')
  return withValues(written)
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
