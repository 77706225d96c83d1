/** What the routes are served from; put together once, by the composition root. */
import type { HttpBindings } from '@hono/node-server'
import type { Registry } from 'prom-client'
import type { Admin } from '../control/authenticate.ts'
import type { InForce } from '../control/in-force.ts'
import type { VerifiedToken } from '../identity/verify.ts'
import type { Log } from '../log.ts'
import type { TaskContext } from '../tasks/context.ts'
import type { Task } from '../tasks/task.ts'
import type { FailureCounter } from './failures.ts'

export interface HttpContext {
  tasks: TaskContext
  /** The configuration in force at this moment. */
  inForce(): InForce
  failures: FailureCounter
  metrics: Registry
  log: Log
}

/** What every request carries through the middleware. */
export interface Env {
  Bindings: HttpBindings
  Variables: {
    /** Taken when the request began: it sees one configuration from beginning to end. */
    inForce: InForce
    tasks: TaskContext
    requestId: string
    /** Each is set where the route's authentication sets it. */
    verified: VerifiedToken
    task: Task
    admin: Admin
  }
}
