/** What the routes are served from; put together once, by the composition root. */
import type { HttpBindings } from '@hono/node-server'
import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Admin } from '../control/authenticate.ts'
import type { InForce } from '../control/in-force.ts'
import type { VerifiedToken } from '../identity/verify.ts'
import type { Actor } from '../audit/event.ts'
import type { BrokerError, ErrorCode } from '../base/errors.ts'
import type { NearMiss } from '../agents/nearest.ts'
import type { Fault } from '../base/fault.ts'
import type { Federation } from '../federation/federation.ts'
import type { Log } from '../base/log.ts'
import type { TaskContext } from '../tasks/context.ts'
import type { Asker } from '../tasks/explain.ts'
import type { StoredTask } from '../tasks/task.ts'
import type { Limits } from './limits.ts'
import type { Tally } from './tally.ts'
import type { ExplanationCounter } from './explanations.ts'
import type { FailureCounter } from './failures.ts'

export interface HttpContext {
  core: TaskContext
  /** Runs a request under the configuration in force at this moment, to its end. */
  serve(work: (inForce: InForce) => Promise<void>): Promise<void>
  federation: Federation
  /** Reads the configuration again; what is wrong with it: more than warnings only where it was refused. Put on record through `core`. */
  reload(actor: Actor, core: TaskContext): Promise<Fault[]>
  failures: FailureCounter
  explanations: ExplanationCounter
  metrics: RequestMetrics
  log: Log
  pages: Pages
  /** @throws BrokerError `unavailable` while the store is not as the broker left it, or takes no writes. */
  requireReady: () => Promise<void>
  /** How many brokers write the store, and how many configurations they run with. */
  brokers: () => { brokers: number; configurations: number }
  /** How much was asked of all of them lately. */
  tally: Tally
}

/** Pages for people, served beside the API. */
export interface Pages {
  /** What all their paths begin with. */
  under: string
  routes(app: OpenAPIHono<Env>): void
  /** A refusal as people read it. */
  refusal(c: Context<Env>, error: BrokerError): Response | Promise<Response>
}

/** What the server tells of its requests, and what it shows to whoever measures. */
export interface RequestMetrics {
  registry: { metrics(): Promise<string>; contentType: string }
  answered(request: {
    method: string
    route: string
    status: number
    seconds: number
    /** Of a refusal. */
    code?: ErrorCode | undefined
  }): void
}

/** What every request carries through the middleware. */
export interface Env {
  Bindings: HttpBindings
  Variables: {
    /** Taken when the request began: it sees one configuration from beginning to end. */
    inForce: InForce
    core: TaskContext
    requestId: string
    /** Whether it has put anything on record. */
    onRecord: { any: boolean }
    limits: Limits
    /** Where the request comes from, as far as limits go. */
    sender: string
    /** Set where it is one request too many for its sender, and of a kind that is served all the same. */
    excess: BrokerError | undefined
    /** What is found out of whom it concerns, for the log. */
    about: {
      agent?: string
      task?: string
      /** Who matches no agent, and why; not of everyone in a flood. */
      unmatched?: { issuer: string; subject: string; nearest?: NearMiss }
    }
    /** What it was refused with. */
    thrown: unknown
    /** Each is set where the route's authentication sets it. */
    verified: VerifiedToken
    task: StoredTask
    asker: Asker
    admin: Admin
  }
}
