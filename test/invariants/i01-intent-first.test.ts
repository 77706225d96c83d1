/** I1 Intent first: all that is needed to find the credential upstream is durable before the upstream call. */
import { expect, test } from 'vitest'
import { writeWeb } from '../support/broker.ts'
import { type Row, refuseWrites, rows } from '../support/database.ts'
import { mints } from '../support/github.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()
const { github, ledger } = broker.sandbox

test('I1: when the request reaches GitHub, its lease is committed as pending, with what was asked', async () => {
  const { body: task } = await broker.open()
  let seen: Row<'leases'>[] = []
  const looking = github.faults.add({
    kind: 'reset',
    // Read from another connection, while GitHub has not acted yet: what is there is what a crash would leave.
    on: (request) => {
      if (mints(request)) seen = rows(broker, 'leases', `task = '${task.id}'`)
      return false
    },
  })
  const { body: minted } = await broker.mint(task)
  looking.clear()

  expect(seen).toMatchObject([
    {
      id: minted.lease.id,
      task: task.id,
      status: 'pending',
      provider: 'github',
      connection: 'acme',
      deadline: Date.parse(task.expires_at),
      handle: null,
    },
  ])
  expect(JSON.parse(seen[0]!.detail)).toEqual(writeWeb)
  const [intended] = rows(broker, 'audit_events', `lease = '${minted.lease.id}' order by seq`)
  expect(intended).toMatchObject({ type: 'lease.intended', status: 'pending' })
})

test('I1: an intent that cannot be written makes no upstream call', async () => {
  const { body: task } = await broker.open()
  const before = github.requests.length
  const healed = refuseWrites(broker, 'insert on leases')
  expectRefusal(await broker.mint(task), 503, 'unavailable')
  healed()
  expect(github.requests).toHaveLength(before)
  expect(ledger.alive().filter(({ scope }) => scope === task.id)).toEqual([])
})
