/** Someone who can write to the database changes what humans decided: policy asks no row, but verification finds it. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { answer, ask, human, legal, needing } from '../support/approvals.ts'
import { discrepancies } from '../support/audit.ts'
import { type Answer, startTestBroker, type TestBroker } from '../support/broker.ts'
import { beside, rows } from '../support/database.ts'

let broker: TestBroker
let task: Answer['body']
let forLegal: { id: string; digest: string }
let forSecurity: { id: string; digest: string }
beforeEach(async () => {
  broker = await startTestBroker(needing('security', 'legal'))
  task = await ask(broker)
  ;[forLegal, forSecurity] = task.approvals
})
afterEach(() => broker[Symbol.asyncDispose]())

const sql = (text: string) => beside(broker, (db) => db.exec(text))
const found = () => discrepancies(broker)

async function suspend(way: 'suspend' | 'resume' = 'suspend') {
  const body = { reason: 'odd behaviour' }
  const { status } = await broker.call('POST', `/v1/admin/agents/refactor-bot/${way}`, {
    token: await human(broker),
    body,
  })
  expect(status).toBe(200)
}

test('granted, refused, lapsed, suspended and resumed: all as it is on record', async () => {
  await answer(broker, 'approve', forSecurity)
  await answer(broker, 'deny', forLegal, { claims: legal, reason: 'not tonight' })
  const other = await ask(broker)
  await answer(broker, 'deny', other.approvals[0], { claims: legal })
  await suspend()
  expect(await found()).toEqual([])
  await suspend('resume')
  expect(await found()).toEqual([])
})

test('an approval written as granted', async () => {
  sql(`update approvals set status = 'granted', by = 'sandbox:ada' where id = '${forSecurity.id}'`)
  expect(await found()).toEqual(
    expect.arrayContaining([
      { subject: forSecurity.id, message: 'it is granted in the tables but pending in the record' },
    ]),
  )
})

test('an approval whose approver, or words, are others', async () => {
  await answer(broker, 'approve', forSecurity, { reason: 'fine' })
  sql(`update approvals set by = 'sandbox:eve', reason = 'because' where id = '${forSecurity.id}'`)
  expect(await found()).toEqual(
    expect.arrayContaining([
      { subject: forSecurity.id, message: 'its by in the tables is not the one in the record' },
      { subject: forSecurity.id, message: 'its reason in the tables is not the one in the record' },
    ]),
  )
})

test('an approval taken out of the table', async () => {
  sql(`delete from approvals where id = '${forLegal.id}'`)
  expect(await found()).toContainEqual({
    subject: forLegal.id,
    message: 'it is on record but not in the tables',
  })
})

test('a suspension taken out of the table, which lets the agent go on', async () => {
  await suspend()
  const fence = rows(broker, 'fences')[0]!
  sql('delete from fences')
  expect(await found()).toContainEqual({
    subject: fence.id,
    message: 'it is on record but not in the tables',
  })
})

test('a suspension that nobody ordered', async () => {
  sql(`insert into fences (id, kind, selector, key, agents, reason, by, at)
    values ('fence_0', 'agent', '{"agent":"refactor-bot"}', 'agent refactor-bot', '[]', 'x', 'sandbox:ada', 1)`)
  expect(await found()).toEqual(
    expect.arrayContaining([
      { subject: 'fence_0', message: 'it stands in the tables but not in the record' },
    ]),
  )
})

test('a task given to another agent, or another owner', async () => {
  sql(`update tasks set agent = 'other-bot', owner = 'eve@acme.dev' where id = '${task.id}'`)
  expect(await found()).toEqual(
    expect.arrayContaining([
      { subject: task.id, message: 'its agent in the tables is not the one in the record' },
      { subject: task.id, message: 'its owner in the tables is not the one in the record' },
    ]),
  )
})
