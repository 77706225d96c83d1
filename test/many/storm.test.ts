/**
 * Three brokers under load: one killed, one frozen and thawed, the database restarted twice, all
 * restarted one after another. `MAYFLY_MANY_SECONDS` makes it longer.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { permissive, vaultToken } from '../support/every-upstream.ts'
import { type BrokerProcesses, startProcesses } from '../support/broker-processes.ts'
import { mayfly } from '../support/mayfly.ts'
import { besideDatabase, embeddedServer, serverTakesMs } from '../support/postgres-server.ts'
import { until } from '../support/until.ts'

const seconds = Number(process.env['MAYFLY_MANY_SECONDS'] ?? 8)
const frozenMs = Math.max(8_000, Math.min(90_000, seconds * 150))
/** How many ask at once, and the life of a task that is left to its deadline, seconds. */
const [clients, ttl] = [6, 5]
/** Until one that is gone is noticed, and what it had to do is done; machines may be busy. */
const graceMs = 15_000

/** What somebody asked for under one key, and whether an answer to it was cut off. */
interface Asked {
  task: string
  wasCut: boolean
}

it(
  'brokers that are killed, frozen and restarted, and a database that is, lose nothing and mint nothing twice',
  async () => {
    await using server = await embeddedServer()
    const store = await server.database()
    await using brokers = await startProcesses(({ vault }) => ({
      count: 3,
      store,
      settings: {
        providers: {
          vault: [
            {
              name: 'main',
              address: vault.url,
              auth: { token: { env: 'TEST_VAULT_TOKEN' } },
              policies: [{ name: 'ci-read', class: 'read' }],
            },
          ],
        },
      },
      files: permissive,
      env: { TEST_VAULT_TOKEN: vault.token },
    }))
    const [first, second] = brokers.brokers as [(typeof brokers.brokers)[0], (typeof brokers.brokers)[0]]
    const asked: Asked[] = []
    let over = false
    const working = Promise.all(
      Array.from({ length: clients }, (_, n) => work(brokers, asked, n, () => over)),
    )
    working.catch(() => undefined)
    const pause = () => setTimeout(seconds * 125)

    await pause()
    first.signal('SIGKILL')
    await first.stopped()
    await pause()
    await first.start()

    await pause()
    second.signal('SIGSTOP')
    await setTimeout(frozenMs)
    second.signal('SIGCONT')

    await pause()
    const down = Date.now()
    for (const _time of ['once', 'twice']) {
      await server.stop()
      await server.start()
      // Until each has connected anew.
      await until(async () => await all(brokers, 200), serverTakesMs)
    }
    const up = Date.now() + 2_000

    await pause()
    for (const broker of brokers.brokers) {
      broker.signal('SIGTERM')
      await broker.stopped()
      await broker.start()
    }
    await pause()
    over = true
    await working

    const rows = (sql: string) => besideDatabase(store, sql)
    // All that was left to its deadline is over soon, whoever had it. What Vault may yet make is looked for for a minute.
    const alive = () => brokers.sandbox.ledger.alive().length
    await until(() => alive() === 0, 60_000)

    const outside = brokers.failures.filter(({ at }) => at < down || at > up)
    const cut = new Set(asked.filter(({ wasCut }) => wasCut).map(({ task }) => task))
    // Of a credential whose mint was cut off it has to be known first that it is dead.
    const unexcused = outside.filter(
      ({ code, path }) => !(code === 'provider_unavailable' && [...cut].some((task) => path.includes(task))),
    )
    expect(unexcused).toEqual([])

    const leases = await rows(
      `select l.fingerprint, l.task, least(t.ended_at, t.expires_at)::float8 as ended,
         exists (select from audit_events e where e.lease = l.id and e.type = 'lease.minted') as given
       from leases l join tasks t on t.id = l.task where l.fingerprint is not null`,
    )
    const byFingerprint = new Map(leases.map((lease) => [lease['fingerprint'], lease]))
    const entries = brokers.sandbox.ledger.entries.map((entry) => {
      const lease = byFingerprint.get(entry.fingerprint)
      const dead = Math.min(entry.revokedAt ?? Infinity, entry.expiresAt)
      const [task, given] = [lease?.['task'], lease?.['given']]
      return { ...entry, dead, task, given, ended: lease?.['ended'] as number | undefined }
    })
    // No credential outlived its task by more than what it takes to notice that its broker, or the database, is gone.
    const late = entries.map(({ dead, ended = Infinity }) => dead - ended)
    expect(Math.max(...late)).toBeLessThan(up - down + graceMs)
    // Nor was there ever another beside one under the same key. What was asked for again in mid-mint is given to nobody.
    const byTask = Map.groupBy(
      entries.filter(({ given }) => given),
      ({ task }) => task,
    )
    for (const minted of byTask.values()) {
      const inOrder = minted.toSorted((a, b) => a.mintedAt - b.mintedAt)
      for (const [at, entry] of inOrder.slice(1).entries())
        expect(entry.mintedAt).toBeGreaterThanOrEqual(inOrder[at]!.dead)
    }
    const verified = await mayfly(['audit', 'verify', '-c', first.file], { TEST_VAULT_TOKEN: 'x' })
    expect(verified).toMatchObject({ status: 0 })
    expect(asked.length).toBeGreaterThan(clients * 2)
  },
  (seconds + 120) * 4_000,
)

async function all({ brokers }: BrokerProcesses, wanted: number): Promise<boolean> {
  const answers = await Promise.all(
    brokers.map((broker) => broker.call('GET', '/readyz').catch(() => undefined)),
  )
  return answers.every((answer) => answer?.status === wanted)
}

/** Opens tasks, mints in each, and completes every second one; the others are left to their deadline. */
async function work(
  brokers: BrokerProcesses,
  asked: Asked[],
  n: number,
  isOver: () => boolean,
): Promise<void> {
  for (let turn = n; !isOver(); turn += 1) {
    const headers = { 'Idempotency-Key': randomUUID() }
    const isLeft = turn % 2 === 0
    const opened = await brokers.ask('POST', '/v1/tasks', {
      token: await brokers.workload(),
      headers,
      body: {
        purpose: 'a storm',
        authorization_details: [vaultToken],
        ttl: isLeft ? ttl : 600,
      },
    })
    const { id, task_token: token } = opened.answer.body
    expect(opened.answer.status).toBe(201)
    const minted = await brokers.ask('POST', `/v1/tasks/${id}/credentials`, {
      token,
      headers,
      body: { authorization_detail: vaultToken },
    })
    asked.push({ task: id, wasCut: minted.tries > 1 })
    // Held up, it may come at the end of its task's time, or after it.
    if (!isLeft) expect(minted.answer.body).toMatchObject({ lease: { status: 'active' } })
    if (!isLeft) {
      const completed = await brokers.ask('POST', `/v1/tasks/${id}/complete`, { token })
      expect(completed.answer.body.status).toBe('completed')
    }
  }
}
