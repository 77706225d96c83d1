/** One call of the broker's API: sent, given up where nothing comes, and made again where that does no harm. */
import type { z } from 'zod'
import { type Clock, withinLimit } from '../base/clock.ts'
import { networkFault } from '../outbound/network-fault.ts'
import type * as schemas from '../wire/schemas.ts'
import { bearer } from './bearer.ts'
import { BrokerProblem, BrokerUnreachable, passes } from './problem.ts'
import { retry } from './retry.ts'

export interface CallOptions {
  /** Aborting a mint makes the broker revoke what it was minting. */
  signal?: AbortSignal | undefined
}

export interface RetryOptions extends CallOptions {
  /**
   * Makes it safe to call again when no answer came: the same token, key and
   * request resume the task, and a credential minted before is revoked.
   * 1 to 200 visible characters. Default: one of this call's own.
   */
  idempotencyKey?: string | undefined
}

/**
 * Milliseconds after which one attempt counts as hung: a broker that stands still must not use up
 * the time in which another would answer. One that runs says 503 itself where its store keeps it
 * waiting for ten seconds (docs/decisions/0041); two are for the way (docs/decisions/0073).
 */
const answerWithinMs = 12_000

/** What a broker that is well may wait for before it can answer, milliseconds by its own limits. */
export const waits = {
  /** The keys of whoever has issued an identity token. */
  keys: 5_000,
  /** Credentials to be seen dead. */
  ending: 10_000,
  /** Upstream's credential, and before that the death of one minted under the same `Idempotency-Key`. */
  mint: 30_000,
  /** To end, or to decide afresh, everything that there is. */
  everything: 48_000,
}

export interface Broker {
  url: string
  fetch: typeof globalThis.fetch
  clock: Clock
}

interface Call extends RetryOptions {
  method: 'GET' | 'POST' | 'DELETE'
  path: string
  token: string
  body?: unknown
  /** Milliseconds for which a broker that is well may have to wait before it can answer. */
  waitMs: number
  /** Whether it does no harm to carry it out twice. */
  repeatable: boolean
}

export async function call<Answer>(broker: Broker, request: Call): Promise<Answer> {
  const { repeatable, signal } = request
  return await retry(() => attempt<Answer>(broker, request), {
    clock: broker.clock,
    signal,
    isHung: (error) => error instanceof Hung,
    retryAfterMs(error) {
      if (!passes(error) || !(repeatable || wasTurnedAway(error))) return undefined
      return error instanceof BrokerProblem ? (error.retryAfter ?? 0) * 1000 : 0
    },
  })
}

/** Whether it certainly was not carried out. */
function wasTurnedAway(error: unknown): boolean {
  if (error instanceof BrokerProblem) return error.status < 500 || error.status === 503
  return error instanceof BrokerUnreachable && error.outcome === 'unsent'
}

/** A server that took the call and was given up. */
class Hung extends BrokerUnreachable {}

async function attempt<Answer>(broker: Broker, request: Call): Promise<Answer> {
  const ms = answerWithinMs + request.waitMs
  return await withinLimit(broker.clock, ms, async (limit) => {
    try {
      return await send<Answer>(broker, request, limit)
    } catch (error) {
      if (!limit.aborted || request.signal?.aborted || error instanceof BrokerProblem) throw error
      throw new Hung(`${broker.url} gave no answer within ${ms / 1000} seconds`, {
        outcome: 'unknown',
        remedy: lost(request),
        cause: error,
      })
    }
  })
}

async function send<Answer>(broker: Broker, request: Call, limit: AbortSignal): Promise<Answer> {
  const { method, path, token, body, signal, idempotencyKey } = request
  const init: RequestInit = {
    method,
    headers: {
      Authorization: bearer(token),
      Accept: 'application/json',
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
      ...(idempotencyKey !== undefined && { 'Idempotency-Key': idempotencyKey }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    // A token goes to the broker and nowhere else.
    redirect: 'error',
    signal: signal ? AbortSignal.any([limit, signal]) : limit,
  }
  let response: Response | undefined
  let answer: unknown
  try {
    response = await broker.fetch(broker.url + path, init)
    answer = await response.json()
  } catch (error) {
    if (signal?.aborted) throw error
    throw noAnswer(broker.url, request, response?.status, error)
  }
  if (response.ok) return answer as Answer
  throw problemOf(response, answer) ?? notABroker(broker.url, request, response.status)
}

/** `status`: where an answer began to come. */
function noAnswer(url: string, request: Call, status: number | undefined, error: unknown): BrokerUnreachable {
  if (error instanceof SyntaxError) return notABroker(url, request, status)
  const unanswered = (reason: string, more: Omit<Unreachable, 'cause'>) =>
    new BrokerUnreachable(`${url} gave no usable answer${reason}`, { ...more, cause: error })
  const fault = networkFault(error)
  if (fault) {
    const reason = `: ${fault.words}`
    if (fault.sent) return unanswered(reason, { outcome: 'unknown', remedy: lost(request) })
    if (fault.passing) return unanswered(reason, { outcome: 'unsent' })
    return unanswered(reason, {
      outcome: 'foreign',
      remedy: `${fault.remedy} Or check the url (MAYFLY_URL).`,
    })
  }
  const redirected =
    error instanceof TypeError && (error.cause as Error | undefined)?.message === 'unexpected redirect'
  if (redirected) return unanswered(': it redirects elsewhere', { outcome: 'foreign' })
  return unanswered('', { outcome: 'unknown', remedy: lost(request) })
}

/** What to do about a call whose answer is lost; undefined where it does no harm to make it again. */
const lost = ({ repeatable }: Call) =>
  repeatable ? undefined : 'It may have been carried out: look at how things stand before you try again.'

type Unreachable = ConstructorParameters<typeof BrokerUnreachable>[1]

/** What stands before a broker that is not there answers for it, in words of its own. */
const standIns = [502, 503, 504]

function notABroker(url: string, request: Call, status = 0): BrokerUnreachable {
  const outcome = standIns.includes(status) ? 'unknown' : 'foreign'
  return new BrokerUnreachable(`${url} answered ${status}, not as a broker does`, {
    outcome,
    ...(outcome === 'unknown' && { remedy: lost(request) }),
  })
}

function problemOf({ status, headers }: Response, answer: unknown): BrokerProblem | undefined {
  const {
    code,
    detail,
    denials,
    request_id: requestId,
  } = (answer ?? {}) as Partial<z.infer<typeof schemas.problem>>
  if (typeof code !== 'string' || typeof detail !== 'string') return undefined
  const seconds = Number(headers.get('Retry-After') ?? Number.NaN)
  return new BrokerProblem({
    status,
    code,
    detail,
    denials,
    requestId,
    ...(Number.isFinite(seconds) && { retryAfter: seconds }),
  })
}
