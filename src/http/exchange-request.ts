/** What an exchange asks for, in whichever words of RFC 8693 and RFC 9396 it is written. */
import { isDeepStrictEqual } from 'node:util'
import type { z } from '@hono/zod-openapi'
import { BrokerError } from '../base/errors.ts'
import { faultTexts, inOneText } from '../base/issues.ts'
import { JsonFault, parseJson } from '../base/json.ts'
import { allShown } from '../base/text.ts'
import type { Connections } from '../leases/connections.ts'
import * as schemas from '../wire/oauth-schemas.ts'
import { hides } from '../wire/schemas.ts'
import type { Parameters } from './oauth-parameters.ts'

/** Which of its parameters say what is asked for: refusals are in their words. */
type Words = 'authorization_details' | 'resource' | 'scope'

interface Here {
  connections: Pick<Connections, 'fromShorthand' | 'types' | 'get'>
  /** The broker's own, which a client may name as the audience that it talks to. */
  audiences: readonly string[]
}

export type ExchangeRequest = z.output<typeof schemas.exchangeBody>

/** @throws BrokerError `invalid_request` */
export function exchangeRequest(written: Parameters): ExchangeRequest {
  if (written['grant_type'] !== schemas.tokenExchange) {
    if (written['grant_type'] === undefined) throw new BrokerError('invalid_request', 'grant_type is missing')
    throw new BrokerError('invalid_request', `grant_type must be ${schemas.tokenExchange}`, {
      parameter: 'grant_type',
    })
  }
  const parsed = schemas.exchangeBody.safeParse(written)
  if (!parsed.success) throw new BrokerError('invalid_request', inOneText(faultTexts(parsed.error)))
  const { authorization_details: details, resource, audience } = parsed.data
  if (details === undefined && resource === undefined && audience === undefined)
    throw new BrokerError('invalid_request', 'authorization_details is missing, or resource instead of it')
  return details === undefined ? parsed.data : { ...parsed.data, authorization_details: [oneDetail(details)] }
}

/**
 * The detail that is asked for, and in whose words. For a caller who is known: what is configured
 * here is nobody else's business.
 *
 * @throws BrokerError `invalid_request`
 */
export function detailOf(request: ExchangeRequest, here: Here): { detail: unknown; words: Words } {
  const { authorization_details: details, scope } = request
  // Whoever says it in RFC 9396's words says all of it: the others are of other uses of OAuth.
  if (details !== undefined) return { detail: details[0], words: 'authorization_details' }
  const { target, connection } = audienceOf(request, here)
  const [resource = target, another] = request.resource ?? []
  if (resource === undefined) throw new BrokerError('invalid_request', 'resource is missing')
  if (another !== undefined)
    throw new BrokerError('invalid_request', 'one credential is for one resource', { parameter: 'resource' })
  const detail = ofResource(resource, scope, here)
  return { detail: connection === undefined ? detail : { ...detail, connection }, words: 'resource' }
}

/** A refusal of what was asked for, in the words in which it was. */
export function inWords(error: unknown, words: Words): unknown {
  const concerned =
    error instanceof BrokerError &&
    words !== 'authorization_details' &&
    (error.facts.parameter === 'authorization_details' ||
      ['policy_denied', 'out_of_scope', 'provider_rejected'].includes(error.code))
  if (!concerned) return error
  const message = error.message.replaceAll(/authorization_details\.0(?:\.[\w.]+)?: /g, '')
  return new BrokerError(error.code, message, { ...error.facts, parameter: words, cause: error.cause })
}

interface Audience {
  target?: string
  connection?: string
}

/** Where the audiences lead, which may be repeated (RFC 8693 §2.1), and must not lead to several places. */
function audienceOf({ audience = [], resource }: ExchangeRequest, here: Here): Audience {
  const meant = audience.flatMap((name) => meaning(name, resource === undefined, here) ?? [])
  const [first = {}, ...others] = meant
  if (others.every((each) => isDeepStrictEqual(each, first))) return first
  throw new BrokerError('invalid_request', 'one credential has one audience besides this broker', {
    parameter: 'resource',
  })
}

/**
 * An audience is a logical name of where the credential is for (RFC 8693 §2.1): here a connection,
 * `NAME` or `TYPE/NAME`, or the target itself as in `resource`. Many clients name whom they talk to: undefined.
 */
function meaning(name: string, mayBeTarget: boolean, { audiences, connections }: Here): Audience | undefined {
  if (audiences.includes(name)) return undefined
  const [type, target] = split(name)
  if (mayBeTarget && target !== undefined && connections.types().includes(type)) return { target: name }
  const [of, named = of] = name.split('/')
  const types = name.includes('/') ? [of!] : connections.types()
  if (types.some((each) => connections.get(each, named!) !== undefined)) return { connection: named! }
  throw new BrokerError('invalid_request', 'audience is neither this broker nor a connection of it', {
    parameter: 'resource',
  })
}

/** `github:acme/web` with `contents:write issues:read` is what the command line writes `github:acme/web:contents=write,issues=read`. */
function ofResource(resource: string, scope: string | undefined, { connections }: Here): object {
  const types = connections.types()
  const [type, target] = split(resource)
  if (target === undefined || !types.includes(type))
    throw new BrokerError(
      'invalid_request',
      `resource begins with one of ${types.map((each) => `${each}:`).join(', ')}`,
      { parameter: 'resource' },
    )
  const wanted = scope
    ?.trim()
    .split(/ +/)
    .map((one) => one.replace(':', '='))
    .join(',')
  try {
    return connections.fromShorthand(
      type,
      [target, ...(wanted === undefined ? [] : [wanted])].join(':'),
    ) as object
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error
    throw new BrokerError('invalid_request', error.message, {
      parameter: wanted === undefined ? 'resource' : 'scope',
    })
  }
}

/** `github` and what follows the first colon. */
function split(text: string): [type: string, target?: string] {
  const at = text.indexOf(':')
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}

/** As the JSON text that a form has, or as it is in JSON. */
function oneDetail(written: unknown): unknown {
  const refused = (message: string) =>
    new BrokerError('invalid_request', `authorization_details ${message}`, {
      parameter: 'authorization_details',
    })
  let details = written
  try {
    if (typeof written === 'string') details = parseJson(written)
  } catch (error) {
    throw error instanceof JsonFault ? refused(error.message) : error
  }
  if (!Array.isArray(details) || details.length !== 1) throw refused('must be a list of one detail')
  const [detail] = details as unknown[]
  if (typeof detail !== 'object' || detail === null || Array.isArray(detail))
    throw refused('must be a list of one detail')
  if (!allShown(detail)) throw refused(hides)
  return detail
}
