/** I10 Say what is true: how a lease can be revoked, before and after; and after its end what evidence there is. */
import { expect, test } from 'vitest'
import { probes, revokes } from '../support/github.ts'
import { rows } from '../support/database.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until } from '../support/until.ts'

const broker = await sharedBroker()
const { github, ledger } = broker.sandbox

async function ended() {
  const { body: task } = await broker.open()
  const { body: minted } = await broker.mint(task)
  const { body } = await broker.complete(task)
  return { task, lease: body.leases[0], entry: ledger.find(minted.credential.token)! }
}

test('I10: how a lease can be revoked is told before it is minted, and the same after', async () => {
  const { body: dry } = await broker.open({ dry_run: true })
  expect(dry.leases).toMatchObject([{ revocation: 'immediate' }])
  const { body: task } = await broker.open()
  expect((await broker.mint(task)).body.lease.revocation).toBe('immediate')
})

test('I10: dead is what GitHub refuses', async () => {
  const { lease, entry } = await ended()
  expect(lease).toMatchObject({
    status: 'revoked',
    evidence: { result: 'dead', method: expect.stringContaining('401') },
  })
  expect(entry.refusals).toBe(1)
})

test('I10: a credential that still works is not over because GitHub said so, and somebody is told', async () => {
  const lie = github.faults.add({ kind: 'status', status: 204, on: revokes })
  const logged = broker.log.length
  const { task, lease, entry } = await ended()
  expect(entry.revokedAt).toBeUndefined()
  expect(lease).toMatchObject({ status: 'revoking', ended_at: null, evidence: { result: 'live' } })
  const [row] = rows(broker, 'leases', `id = '${lease.id}'`)
  expect(row!.handle).not.toBeNull()
  const alarm = broker.log
    .slice(logged)
    .map((line) => JSON.parse(line))
    .find(({ level }) => level === 'error')
  expect(alarm).toMatchObject({ lease: lease.id })

  const { body: report } = await broker.revoke({ lease: lease.id })
  expect(report).toMatchObject({ matched: 1, revoked: 0, pending: 1, irrevocable: 0 })
  expect(report.leases).toMatchObject([{ id: lease.id, evidence: { result: 'live' } }])
  lie.clear()
  await until(async () => (await broker.read(task)).body.leases[0].status === 'revoked')
  expect(entry.revokedAt).toBeDefined()
})

test.each([
  ['does not answer', { kind: 'reset' }],
  ['answers 403', { kind: 'status', status: 403 }],
  ['answers 500', { kind: 'status', status: 500 }],
] as const)('I10: when the probe %s, nothing is known, and the lease not over', async (_how, fault) => {
  const doubt = github.faults.add({ ...fault, on: probes })
  const { task, lease } = await ended()
  expect(lease).toMatchObject({ status: 'revoking', evidence: { result: 'unknown' } })
  doubt.clear()
  const seen = async () => (await broker.read(task)).body.leases[0]
  await until(async () => (await seen()).status === 'revoked')
  expect(await seen()).toMatchObject({ evidence: { result: 'dead' } })
})

test('I10: what was once seen dead is not unknown again because somebody asks again', async () => {
  const { task, lease } = await ended()
  const doubt = github.faults.add({ kind: 'status', status: 500 })
  expect((await broker.complete(task)).body.leases).toEqual([lease])
  expect((await broker.revoke({ lease: lease.id })).body).toMatchObject({ matched: 0 })
  doubt.clear()
  expect((await broker.read(task)).body.leases).toEqual([lease])
})

test('I10: the evidence is on record', async () => {
  const { lease } = await ended()
  const [event] = rows(broker, 'audit_events', `lease = '${lease.id}' and type = 'lease.evidence'`)
  expect(JSON.parse(event!.data!)).toEqual({ result: 'dead', method: lease.evidence.method })
})
