/** A store with very many leases that live, as a broker would have left it: written through its own ports, many to a commit. */
import { randomUUID } from 'node:crypto'
import { providers } from '../../providers/catalog.ts'
import { systemClock } from '../../src/base/clock.ts'
import { newId } from '../../src/base/id.ts'
import { createSeal } from '../../src/base/seal.ts'
import { sha256 } from '../../src/base/sha256.ts'
import { loadConfiguration } from '../../src/config/load.ts'
import { identityOf, recordedPrincipal } from '../../src/identity/principal.ts'
import { sealHandle } from '../../src/leases/handle.ts'
import { aboutLease, type Lease } from '../../src/leases/lease.ts'
import { sandboxWorkload } from '../../src/sandbox/configuration.ts'
import { auditTrail } from '../../src/store/audit.ts'
import { leases } from '../../src/store/leases.ts'
import { openStore } from '../../src/store/open.ts'
import { tasks } from '../../src/store/tasks.ts'
import { usedTokens } from '../../src/store/used-tokens.ts'
import { aboutTask, type Task } from '../../src/tasks/task.ts'
import { detail } from './world.ts'

/** Leases that a task has in the mean, and tasks of which one has a token that is still to be remembered. */
export const leasesPerTask = 10
const tasksPerToken = 10
/** Tasks of which one has a single lease, and is of an agent of its own. */
const tasksPerSingle = 10
/** Some ten megabytes: a commit of fewer writes the same pages of the indexes again and again. */
const tasksPerCommit = 500
const lifeMs = 3_600_000
const openedMs = 600_000

export interface Living {
  leases: number
  /** So many are of this agent. */
  most: { agent: string; leases: number }
  /** Each task of this one has a single lease. */
  single: string
  /** The others are of these. */
  others: readonly string[]
}

export const subjectOf = (agent: string) => `repo:acme/web:agent:${agent}`

/** Looks for what is due, of which the mean is taken. */
const looks = 200

/** Fills the store of the configuration in `file`. Returns what a look for what is due then costs: CPU milliseconds. */
export async function fill(file: string, issuer: string, living: Living): Promise<number> {
  const { configuration, faults } = await loadConfiguration(file, {
    clock: systemClock(),
    env: process.env,
    providers,
  })
  if (!configuration) throw new Error(JSON.stringify(faults))
  const { store: address, sealKeys, connections } = configuration
  const seal = createSeal(sealKeys)
  const store = await openStore(address, seal, { lastHead: configuration.audit.lastHead })
  const audit = auditTrail()
  const entry = connections.find(({ name }) => name !== 'omega')!
  const now = Date.now()

  const wanted = Math.ceil(living.leases / leasesPerTask)
  const ofMost = Math.ceil(living.most.leases / leasesPerTask)
  const ofSingle = Math.ceil(wanted / tasksPerSingle)
  const ofOthers = wanted - ofMost - ofSingle
  const perOther = (living.leases - ofMost * leasesPerTask - ofSingle) / ofOthers

  /** Whose the `n`th task is, and how many leases it has. */
  const shareOf = (n: number): { agent: string; leases: number } => {
    if (n < ofMost) return { agent: living.most.agent, leases: leasesPerTask }
    if (n >= wanted - ofSingle) return { agent: living.single, leases: 1 }
    const other = n - ofMost
    const leases = Math.round((other + 1) * perOther) - Math.round(other * perOther)
    return { agent: living.others[n % living.others.length]!, leases }
  }

  /** The `n`th of them: they were opened one after another, within the last minutes. */
  const aTask = (n: number): Task => {
    const { agent } = shareOf(n)
    const at = now - openedMs + Math.floor((openedMs * n) / wanted)
    const id = newId('task', at)
    return {
      id,
      status: 'active',
      agent,
      owner: 'linus@acme.dev',
      principal: recordedPrincipal({
        issuer: 'sandbox',
        iss: issuer,
        subject: agent === living.most.agent ? sandboxWorkload.sub : subjectOf(agent),
        claims: { ...sandboxWorkload, run_id: String(Math.floor(Math.random() * 1e9)) },
      }),
      purpose: 'bench',
      scope: [{ provider: 'github', connection: entry.name, detail }],
      ttl: 3600,
      context: {},
      parent: null,
      root: id,
      depth: 0,
      createdAt: at,
      expiresAt: now + lifeMs + Math.floor(Math.random() * lifeMs),
      endedAt: null,
      endReason: null,
    }
  }
  const aLease = (task: Task): Lease => {
    const id = newId('lease', task.createdAt)
    const secret = `ghs_${randomUUID().replaceAll('-', '')}`
    return {
      id,
      task: task.id,
      agent: task.agent,
      owner: 'linus@acme.dev',
      issuer: 'sandbox',
      identity: identityOf(task.principal),
      provider: 'github',
      connection: entry.name,
      upstream: entry.terms.leadsTo,
      slot: null,
      status: 'active',
      detail,
      classes: ['write'],
      revocation: 'immediate',
      createdAt: task.createdAt,
      deadline: task.expiresAt,
      upstreamExpiresAt: task.expiresAt,
      standsUntil: task.expiresAt,
      liveUntil: null,
      endedAt: null,
      fingerprint: sha256(secret).slice(0, 16),
      evidence: null,
      secretHash: sha256(secret),
      handle: sealHandle(seal, id, { token: secret }),
      dueAt: task.expiresAt,
      attempts: 0,
      failingSince: null,
    }
  }

  for (let n = 0; n < wanted; n += tasksPerCommit)
    await store.unit.write(async (tx) => {
      for (let each = n; each < Math.min(wanted, n + tasksPerCommit); each += 1) {
        const task = aTask(each)
        const { principal, status, purpose, scope, ttl, context, expiresAt } = task
        await tasks.insert(tx, task, sha256(task.id))
        if (each % tasksPerToken === 0) await usedTokens.use(tx, sha256(`token ${task.id}`), now + 600_000)
        const { iss, subject } = principal
        const said = { issuer: iss, subject, purpose, scope, ttl, context }
        const data = { ...said, expires_at: new Date(expiresAt).toISOString() }
        audit.record(tx, {
          at: task.createdAt,
          type: 'task.opened',
          actor: `agent:${task.agent}`,
          ...aboutTask(task),
          status,
          data,
        })
        for (let some = 0; some < shareOf(each).leases; some += 1) {
          const lease = aLease(task)
          await leases.insert(tx, lease)
          const {
            createdAt: at,
            identity,
            provider,
            connection,
            upstream,
            classes,
            revocation,
            fingerprint,
          } = lease
          const about = { actor: `agent:${task.agent}` as const, ...aboutLease(lease) }
          const minted = { identity, provider, connection, upstream, detail, classes, revocation }
          audit.record(tx, { at, type: 'lease.intended', ...about, status: 'pending', data: minted })
          audit.record(tx, {
            at,
            type: 'lease.minted',
            ...about,
            status: 'active',
            data: { fingerprint },
          })
        }
      }
    })
  await store.lookedThrough()
  const before = process.cpuUsage()
  for (let look = 0; look < looks; look += 1)
    await store.unit.read(async (tx) => {
      const due = [await tasks.due(tx, now, 200), await leases.due(tx, now, () => false)]
      if (due.some(({ length }) => length > 0)) throw new Error('nothing is due yet')
      return [await tasks.nextDue(tx, now), await leases.nextDue(tx, now)]
    })
  const { user, system } = process.cpuUsage(before)
  await store.close()
  return (user + system) / 1000 / looks
}
