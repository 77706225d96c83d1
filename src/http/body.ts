/** Reading a request's JSON, before any schema sees it. */
import type { MiddlewareHandler } from 'hono'
import { BrokerError } from '../base/errors.ts'
import { JsonFault, parseJson } from '../base/json.ts'
import type { Env } from './context.ts'
import { UnfitRequest } from './problem.ts'

const mediaType = /^application\/json(?:\s*;\s*charset=utf-8)?\s*$/i

/**
 * Refuses a body that is not JSON, or that two readers could read differently.
 * The routes' schemas then read the text that this has checked.
 */
export const strictJson: MiddlewareHandler<Env> = async (c, next) => {
  if (!mediaType.test(c.req.header('Content-Type') ?? ''))
    throw new UnfitRequest(415, 'the body must be application/json')
  try {
    parseJson(await c.req.text())
  } catch (error) {
    if (error instanceof JsonFault) throw new BrokerError('invalid_request', `the body ${error.message}`)
    throw error
  }
  await next()
}

/** The same for a call that may come without a body. */
export const strictJsonIfAny: MiddlewareHandler<Env> = async (c, next) =>
  c.req.header('Content-Type') === undefined ? await next() : await strictJson(c, next)
