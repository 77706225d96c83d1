/** The lives of credentials of each provider: three ways to end, each proven by trying. */
import { setTimeout as wait } from 'node:timers/promises'
import {
  type AuthorizationDetail,
  BrokerProblem,
  type OpenedTask,
  type TaskAccess,
} from '../client/client.ts'
import { verifyStore } from '../cli/audit/verify-store.ts'
import type { Counterpart } from '../sandbox/counterpart.ts'
import { counterparts, counterpartTypes } from '../sandbox/counterparts.ts'
import type { Attempt, Credential, Lifecycle } from '../sandbox/lifecycle.ts'
import type { Sandbox } from '../sandbox/sandbox.ts'
import type { Setup } from './setup.ts'
import type { Timeline } from './timeline.ts'

export interface Tally {
  /** Credentials that the demo was given. */
  minted: number
  /** Of these, how many worked at first and were then refused by upstream. */
  proven_dead: number
  /** Whether everything went as it should, also what has no credential. */
  ok: boolean
}

interface Held {
  lifecycle: Part
  task: OpenedTask
  access: TaskAccess
  lease: string
  credential: Credential
}

/** How long a dead credential may take to be refused, and how often it is tried. */
const patienceMs = 4_000
const intervalMs = 25

/** A counterpart's part, and whose it is. */
type Part = Lifecycle & { provider: string }

/** Every provider's part, in the order shown. */
export function partsOf(sandbox: Sandbox): Part[] {
  return counterpartTypes.flatMap((provider) => {
    const counterpart: Counterpart = counterparts[provider]
    return counterpart.lifecycles(sandbox[provider]).map((lifecycle) => ({ ...lifecycle, provider }))
  })
}

export async function walkThrough(setup: Setup, timeline: Timeline): Promise<Tally> {
  const tally: Tally = { minted: 0, proven_dead: 0, ok: true }
  const step = async (provider: string | null, work: () => Promise<void>) => {
    try {
      await work()
    } catch (error) {
      tally.ok = false
      const message = error instanceof Error ? error.message : 'unknown error'
      timeline.show('failed', provider, message, { message })
    }
  }
  const walkthrough = new Walkthrough(setup, timeline, tally)
  for (const lifecycle of partsOf(setup.sandbox)) {
    for (const ending of lifecycle.endings)
      await step(lifecycle.provider, () => walkthrough[ending](lifecycle))
  }
  await step(null, () => walkthrough.audited())
  timeline.show(
    'figures',
    null,
    'all times are of the sandbox on this machine: GitHub, AWS and Vault have their own, and AWS takes seconds to minutes to refuse a session',
    { figures: 'sandbox' },
  )
  if (tally.minted !== tally.proven_dead) tally.ok = false
  return tally
}

class Walkthrough {
  readonly #setup: Setup
  readonly #timeline: Timeline
  readonly #tally: Tally

  constructor(setup: Setup, timeline: Timeline, tally: Tally) {
    this.#setup = setup
    this.#timeline = timeline
    this.#tally = tally
  }

  /** The workload says that it is done. On the way, it asks for too much. */
  async completed(lifecycle: Part): Promise<void> {
    const held = await this.#begin(lifecycle, 'refactor the parser', 600)
    if (lifecycle.forbidden) await this.#refused(lifecycle, lifecycle.forbidden)
    const { status, leases } = await this.#setup.client.complete(held.access)
    const since = Date.now()
    const [evidence] = leases.flatMap((lease) => lease.evidence ?? [])
    this.#show(lifecycle, 'completed', `the task is ${status}; found ${evidence?.result ?? 'in doubt'}`, {
      task: held.task.id,
      status,
      evidence: evidence ?? null,
    })
    await this.#prove(held, since)
  }

  /** Nobody says anything: the deadline passes. */
  async expired(lifecycle: Part): Promise<void> {
    const held = await this.#begin(lifecycle, 'forget to complete a task', 2)
    const deadline = Date.parse(held.task.expires_at)
    this.#show(
      lifecycle,
      'abandoned',
      `nobody completes it; deadline ${held.task.expires_at.slice(11, 19)} UTC`,
      {
        task: held.task.id,
        expires_at: held.task.expires_at,
      },
    )
    await wait(Math.max(0, deadline - Date.now()))
    await this.#prove(held, deadline)
  }

  /** A human stops it. */
  async revoked(lifecycle: Part): Promise<void> {
    const held = await this.#begin(lifecycle, 'get out of hand', 600)
    const selector = { task: held.task.id }
    const report = await this.#setup.client.revoke(await this.#setup.admin(), { selector, reason: 'demo' })
    const since = Date.now()
    this.#show(
      lifecycle,
      'revoked',
      `an admin ended it: ${report.revoked} of ${report.matched} credentials revoked`,
      {
        task: held.task.id,
        revocation: report.id,
        matched: report.matched,
        revoked: report.revoked,
      },
    )
    await this.#prove(held, since)
  }

  /** The broker is killed, and the deadline passes while there is none. The next one finds what is left. */
  async crashed(lifecycle: Part): Promise<void> {
    const { broker } = this.#setup
    const held = await this.#begin(lifecycle, 'outlive the broker', 3)
    await broker.kill()
    this.#show(lifecycle, 'broker_killed', 'kill -9: nobody is left to revoke it', { task: held.task.id })
    await wait(Math.max(0, Date.parse(held.task.expires_at) - Date.now()))
    const attempt = await lifecycle.attempt(held.credential)
    const { status } = attempt
    this.#show(lifecycle, 'past_deadline', `and it still works: ${status}`, { lease: held.lease, ...attempt })
    await broker.start()
    const since = Date.now()
    this.#show(lifecycle, 'restarted', 'a new broker finds what was left', { task: held.task.id })
    await this.#prove(held, since)
  }

  async audited(): Promise<void> {
    const { events, head, discrepancies } = await verifyStore(this.#setup.configuration)
    const intact = discrepancies.length === 0
    if (!intact) this.#tally.ok = false
    this.#timeline.show(
      'audit_verified',
      null,
      intact
        ? `${events} events, chained and intact`
        : `the record is not intact: ${discrepancies[0]?.message}`,
      { intact, events, head: `${head.seq}:${head.mac}`, discrepancies },
    )
  }

  /** Opens a task, mints in it, and works with what was minted. */
  async #begin(lifecycle: Part, purpose: string, ttl: number): Promise<Held> {
    const { client, workload } = this.#setup
    const task = await client.openTask(await workload(), {
      purpose,
      authorization_details: [lifecycle.scope],
      ttl,
    })
    const access = { id: task.id, token: task.task_token }
    this.#show(lifecycle, 'task_opened', `${brief(task.id)} "${purpose}", ${ttl} s`, {
      task: task.id,
      agent: task.agent,
      purpose,
      ttl,
      expires_at: task.expires_at,
    })
    if (task.status === 'pending_approval') await this.#approve(lifecycle, task)
    const { lease, credential } = await client.credential(access, lifecycle.scope)
    this.#tally.minted += 1
    const { id, fingerprint, revocation, deadline } = lease
    this.#show(lifecycle, 'minted', `${brief(id)}, revocation ${revocation}`, {
      task: task.id,
      lease: id,
      fingerprint,
      revocation,
      deadline,
    })
    const attempts = await lifecycle.work(credential)
    for (const attempt of attempts) this.#tried(lifecycle, 'used', id, attempt)
    if (attempts.some(({ outcome }) => outcome !== 'accepted'))
      throw new Error(`the new credential of ${id} does not work, so nothing can be proven of its end`)
    return { lifecycle, task, access, lease: id, credential }
  }

  /** A human is asked: by which policy and why, and says yes to exactly this. */
  async #approve(lifecycle: Part, { id }: OpenedTask): Promise<void> {
    const { client, admin } = this.#setup
    const identity = await admin()
    const { items } = await client.list(identity, 'approvals', { task: id })
    for (const { id: approval, group, digest, policies = [] } of items) {
      const why = policies.map(
        ({ id: policy, description }) => `${policy}: ${description ?? 'it says not why'}`,
      )
      this.#show(lifecycle, 'waits', `for a yes of ${group}, which policy wants: ${why.join('; ')}`, {
        task: id,
        approval,
        group,
        policies,
      })
      const { status } = await client.approve(identity, approval, { digest, reason: 'seen in the demo' })
      this.#show(lifecycle, 'approved', `by ada of ${group}, for what has this digest alone`, {
        task: id,
        approval,
        digest,
        status,
      })
    }
  }

  /** Policy says no, and which policy it was. */
  async #refused(lifecycle: Part, forbidden: AuthorizationDetail): Promise<void> {
    const { client, workload } = this.#setup
    const request = { purpose: 'reach further', authorization_details: [forbidden], ttl: 600 }
    const problem = await client.openTask(await workload(), request).then(
      ({ id }) => new Error(`policy let ${id} have what it should forbid`),
      (error: unknown) => error,
    )
    if (!(problem instanceof BrokerProblem) || problem.code !== 'policy_denied') throw problem
    const { code, detail, denials } = problem
    const words = denials.map(({ action, policies }) => `${action}: ${policies.join(', ')}`)
    this.#show(lifecycle, 'refused', words.join('; '), { code, detail, denials })
  }

  /** Tries the credential upstream until it is refused, or patience ends. `since`: when it should have died. */
  async #prove(held: Held, since: number): Promise<void> {
    const { lifecycle, credential, lease } = held
    for (;;) {
      const attempt = await lifecycle.attempt(credential)
      const after = Date.now() - since
      if (attempt.outcome === 'refused') {
        this.#tally.proven_dead += 1
        return this.#tried(lifecycle, 'proven_dead', lease, attempt, after)
      }
      if (after > patienceMs) {
        this.#tally.ok = false
        return this.#tried(lifecycle, 'still_alive', lease, attempt, after)
      }
      await wait(intervalMs)
    }
  }

  #tried(
    lifecycle: Part,
    step: string,
    lease: string,
    { request, status, outcome }: Attempt,
    after?: number,
  ): void {
    const text = after === undefined ? `${request}: ${status}` : `tried: ${status}, ${after} ms after its end`
    this.#show(lifecycle, step, text, {
      lease,
      request,
      status,
      outcome,
      ...(after !== undefined && { after_ms: after, figures: 'sandbox' }),
    })
  }

  #show(lifecycle: Part, step: string, text: string, facts: object): void {
    this.#timeline.show(step, lifecycle.provider, text, facts)
  }
}

/** Enough of an id to tell it from the others that are shown: it begins with the time, which they share. */
const brief = (id: string) => `${id.slice(0, id.indexOf('_') + 1)}…${id.slice(-7)}`
