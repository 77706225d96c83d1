/** The SDK's clients, kept to what they are trusted with here. */
import { IAMClient } from '@aws-sdk/client-iam'
import { STSClient } from '@aws-sdk/client-sts'
import type { Clock } from '../../src/base/clock.ts'
import { isLoopback } from '../../src/base/endpoint.ts'
import { networkFault } from '../../src/outbound/network-fault.ts'
import { passing, refused, secondsIn } from '../../src/provider/answers.ts'
import { ProviderError } from '../../src/provider/failure.ts'
import type { ConnectionContext } from '../../src/provider/upstream.ts'
import type { AwsConfig } from './config.ts'
import { AwsFailure } from './failure.ts'
import { httpHandler } from './http-handler.ts'
import type { Identity } from './identity.ts'

export interface Clients {
  sts: STSClient
  iam: IAMClient
  /** Milliseconds that AWS's clock is ahead of ours, as of its last answer. */
  skew: () => number
  /** The broker's own credentials, as far as they are no secret. */
  own: () => Promise<{ accessKeyId: string; temporary: boolean }>
}

/** What is known of one call while it is under way. */
interface Exchange {
  sent: boolean
  status?: number
  retryAfter?: number | undefined
}

/** Clients whose every failure is an `AwsFailure` or a `ProviderError`. `identity`: default, the SDK's own chain. */
export function createClients(
  config: AwsConfig,
  { fetch, clock }: ConnectionContext,
  identity: Identity | undefined,
): Clients {
  const common = {
    region: config.region,
    ...(identity && { credentials: identity }),
    // A call repeated by the SDK could leave a session behind that nobody knows of.
    maxAttempts: 1,
    logger: silent,
    requestHandler: httpHandler(fetch),
  }
  const { endpoints } = config
  const sts = new STSClient({ ...common, ...(endpoints.sts !== undefined && { endpoint: endpoints.sts }) })
  const iam = new IAMClient({ ...common, ...(endpoints.iam !== undefined && { endpoint: endpoints.iam }) })
  const time = timekeeper(clock)
  watch(sts, time)
  watch(iam, time)
  return {
    sts,
    iam,
    skew: () => time.skew,
    async own() {
      try {
        const { accessKeyId, sessionToken } = await sts.config.credentials()
        return { accessKeyId, temporary: sessionToken !== undefined }
      } catch (error) {
        throw translated(error, { sent: false })
      }
    },
  }
}

/** The SDK would print AWS's own words to the console. */
const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {} }

/** The part of both clients that is worked on: their types share nothing that says it. */
interface Client {
  config: { systemClockOffset: number }
  middlewareStack: Pick<STSClient['middlewareStack'], 'add'>
}

type Timekeeper = ReturnType<typeof timekeeper>

/**
 * The SDK signs by the machine's clock and corrects it by the `Date` of each
 * answer. Ours is another one, which never goes back.
 */
function timekeeper(clock: Clock) {
  const keeper = {
    skew: 0,
    before(client: Client) {
      client.config.systemClockOffset = clock.now() - Date.now() + keeper.skew
    },
    after(client: Client) {
      keeper.skew = client.config.systemClockOffset - (clock.now() - Date.now())
    },
  }
  return keeper
}

function watch(client: STSClient | IAMClient, time: Timekeeper): void {
  const { middlewareStack: stack } = client as Client
  const exchanges = new WeakMap<object, Exchange>()
  stack.add(
    (next, context) => async (args) => {
      const exchange: Exchange = { sent: false }
      exchanges.set(context, exchange)
      time.before(client as Client)
      try {
        return await next(args)
      } catch (error) {
        throw translated(error, exchange)
      } finally {
        if (exchange.status !== undefined) time.after(client as Client)
      }
    },
    { step: 'initialize', priority: 'high' },
  )
  stack.add(
    (next, context) => async (args) => {
      const exchange = exchanges.get(context) ?? { sent: false }
      requireSafe(args.request)
      exchange.sent = true
      const result = await next(args)
      const { statusCode, headers } = result.response as {
        statusCode: number
        headers: Record<string, string>
      }
      exchange.status = statusCode
      exchange.retryAfter = secondsIn(headers['retry-after'])
      return result
    },
    // Next to the network, inside of whatever else the SDK does.
    { step: 'deserialize', priority: 'low' },
  )
}

/** The SDK also takes endpoints from its environment, and would send a session's secret key back in clear. */
function requireSafe(request: unknown): void {
  const { protocol, hostname } = request as { protocol: string; hostname: string }
  if (protocol !== 'https:' && !isLoopback(`http://${hostname}`))
    throw refused("the SDK's own settings name an endpoint of AWS that is not https")
}

function translated(error: unknown, { sent, status, retryAfter }: Exchange): Error {
  if (error instanceof ProviderError || error instanceof AwsFailure) return error
  const { name } = error as Error
  if (name === 'CredentialsProviderError' || name === 'TokenProviderError')
    return passing('the broker has no AWS credentials of its own, or cannot get them')
  const worded = typeof (error as { Code?: unknown }).Code === 'string'
  const network = status === undefined ? networkFault(error) : undefined
  const reached = sent && network?.sent !== false
  return new AwsFailure({ code: name, status, retryAfter, sent: reached, worded, network })
}
