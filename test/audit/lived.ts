/** A store in which everything occurs: tasks and leases in every state, approvals, fences, used tokens, keys. */
import { fenceKey, type FenceSelector } from '../../src/agents/fence.ts'
import type { Seal } from '../../src/base/seal.ts'
import { sha256 } from '../../src/base/sha256.ts'
import { leaseStatuses } from '../../src/leases/lease.ts'
import { cursors } from '../../src/store/cursors.ts'
import { delegations } from '../../src/store/delegations.ts'
import { fences } from '../../src/store/fences.ts'
import { idempotency } from '../../src/store/idempotency.ts'
import { Peers } from '../../src/store/peers.ts'
import { federationKeys } from '../../src/store/installation.ts'
import { rowsIn } from '../../src/store/transaction.ts'
import { taskStatuses } from '../../src/tasks/task.ts'
import { manualClock } from '../support/clock.ts'
import type { SqliteSubject } from '../support/sqlite.ts'
import { aLease, aTask, noon, note, put, sound, unanswered } from '../support/store.ts'
import { history } from './history.ts'

const iss = 'https://ci.test'
const place = { table: 'federation_keys', column: 'sealed', row: 'kid' }
const kept = [
  { session: { issuer: iss, claims: { run_id: '7' } } },
  { owner: 'linus@acme.dev' },
  { issuer: iss },
  { provider: 'fake/one' },
  { claim: { issuer: iss, name: 'ref', value: 'refs/heads/main' } },
  { all: true },
  { agent: 'deployer' },
] as const satisfies FenceSelector[]

function registeredAs(at: number, over: string[] = []): Peers {
  return new Peers({ clock: manualClock(at), version: '1', configuration: () => 'one' }, over)
}

export async function lived(seal: Seal): Promise<SqliteSubject> {
  const made = await history(seal)
  await made.unit.write(async (tx) => {
    for (const status of taskStatuses) {
      const session = { issuer: iss, claims: { run_id: status } }
      const task = await put(made, tx, aTask({ status, session }))
      for (const state of leaseStatuses)
        await made.leases.insert(
          tx,
          aLease(task, { status: state, ...(state === 'pending' && unanswered) }, seal),
        )
    }
    const waiting = await put(made, tx, aTask({ status: 'pending_approval' }))
    for (const group of ['security', 'legal']) {
      const asked = { status: 'pending', createdAt: noon, settled: null } as const
      const approval = { id: `appr_${group}`, task: waiting.id, group, digest: sha256(group) }
      await made.approvals.insert(tx, { ...approval, ...asked })
    }
    for (const [at, selector] of kept.entries()) {
      const key = sha256(String(at))
      const said = { agents: ['deployer'], reason: 'odd', by: 'okta:ada', at: noon, until: noon + 9 }
      await fences.insert(tx, { id: `fence_${at}`, selector, ...said }, fenceKey(selector))
      await idempotency.put(tx, { key, digest: sha256('d'), task: waiting.id, lease: null, until: noon })
      await made.usedTokens.use(tx, key, noon)
    }
    for (const id of ['dlg_1', 'dlg_2']) {
      const scope = [{ provider: 'fake', connection: 'one', detail: { type: 'fake' } }]
      const handed = { id, hash: sha256(id), task: waiting.id, agent: id, scope, ttl: 60, until: noon }
      await delegations.insert(tx, { ...handed, usedBy: null })
    }
    await cursors.put(tx, { name: 'notify chat', seq: 3, mac: 'm' })
    await registeredAs(noon).beat(tx)
    await federationKeys.add(tx, { kid: 'kid', sealed: seal.seal('{}', place) })
    note(made, tx)
  })
  // So that SQLite's own statistics are among the tables.
  await made.beside('analyze')
  return made
}

/** All that can change once more, so that there are older values. */
export async function liveOn(made: SqliteSubject): Promise<void> {
  const { seal } = made
  await made.unit.write(async (tx) => {
    for (const task of await made.tasks.find(tx, { statuses: ['active'] })) {
      await made.tasks.replaceToken(tx, task.id, `another hash of ${task.id}`)
      await made.tasks.end(tx, task.id, 'completed', 'completed', noon + 1)
    }
    for (const lease of await made.leases.find(tx, { statuses: ['active'] })) {
      await made.leases.move(tx, lease.id, 'revoking', { dueAt: noon + 1, attempts: 2, failingSince: noon })
      await made.leases.move(tx, lease.id, 'revoked', { handle: null, dueAt: null, endedAt: noon + 2 })
    }
    const settled = { by: 'okta:lex', at: noon, reason: 'fine', mac: 'm', key: 'k1' }
    await made.approvals.settle(tx, 'appr_legal', 'granted', settled)
    const key = sha256('6')
    const stood = sound((await idempotency.get(tx, key))!)
    await idempotency.put(tx, { ...stood, lease: 'lease_1', until: noon + 5 })
    await delegations.use(tx, sha256('dlg_1'), 'task_1')
    await cursors.put(tx, { name: 'notify chat', seq: 4, mac: 'n' })
    // The first is gone, and this one is its heir.
    const [first] = await rowsIn(tx).where('brokers', "id > ''", [])
    await registeredAs(noon, [first!.id]).beat(tx)
    await federationKeys.replace(tx, { kid: 'kid', sealed: seal.seal('{"a":1}', place) })
    note(made, tx)
  })
}
