/** Someone who can write to the database, and wants a yes that nobody gave. */
import { beforeEach, expect, test } from 'vitest'
import { describedBroker } from '../support/described-broker.ts'
import { type Answer, writeWeb } from '../support/broker.ts'
import { beside, rows } from '../support/database.ts'
import { expectRefusal } from '../support/refusal.ts'
import { answer, ask, human, infra, legal, needing } from '../support/approvals.ts'

const broker = await describedBroker(needing('security', 'legal'))
const { ledger } = broker.sandbox

type Values = (string | number)[]
const sql = (text: string, ...values: Values) => beside(broker, (db) => db.prepare(text).run(...values))

/** The task as if it had been approved, without a word about how. */
const activate = (task: Answer['body']) =>
  sql("update tasks set status = 'active', expires_at = ? where id = ?", Date.now() + 600_000, task.id)

/** The last line of defence: whatever the rows say, policy is asked again before anything is minted. */
async function expectNothingMinted(task: Answer['body']) {
  const minted = ledger.entries.length
  const answer = await broker.mint(task, infra)
  expect(['policy_denied', 'task_not_active']).toContain(answer.body.code)
  expect(ledger.entries).toHaveLength(minted)
}

let task: Answer['body']
let forLegal: { id: string; digest: string }
let forSecurity: { id: string; digest: string }
beforeEach(async () => {
  task = await ask(broker)
  ;[forLegal, forSecurity] = task.approvals
})

const wider = JSON.stringify([
  {
    provider: 'github',
    connection: 'acme',
    detail: { ...infra, permissions: { contents: 'write', issues: 'write' } },
  },
])

test('approve, then swap: another scope under a yes that was given', async () => {
  await answer(broker, 'approve', forSecurity)
  await answer(broker, 'approve', forLegal, { claims: legal })
  sql('update tasks set scope = ? where id = ?', wider, task.id)
  await expectNothingMinted(task)
})

test.each([
  ['scope', wider],
  ['ttl', 3600],
  ['purpose', 'something else'],
  ['context', '{"ticket":"OPS-2"}'],
  ['agent', 'other-bot'],
])('%s swapped while it waits: the digest that the approver saw no longer fits', async (column, value) => {
  sql(`update tasks set ${column} = ? where id = ?`, value, task.id)
  const { status, body } = await answer(broker, 'approve', forSecurity)
  expect({ status, code: body.code }).toEqual({ status: 409, code: 'conflict' })
  await expectNothingMinted(task)
})

test('the scope swapped: the approver is shown that it is not what was asked', async () => {
  sql('update tasks set scope = ? where id = ?', wider, task.id)
  const token = await human(broker)
  const { body } = await broker.call('GET', `/v1/admin/approvals?task=${task.id}&group=security`, { token })
  expect(body.items[0].task).toMatchObject({ damaged: 'it is not as it was written' })
  expect(body.items[0].request.scope).toEqual([])
  expect(body.items[0].digest).toBe(forSecurity.digest)
})

test('approvals written into the table as granted count for nothing', async () => {
  sql(
    "update approvals set status = 'granted', by = 'sandbox:ada', at = ?, mac = ?, mac_key = 'k1' where task = ?",
    Date.now(),
    'A'.repeat(43),
    task.id,
  )
  await expectNothingMinted(task)
  activate(task)
  await expectNothingMinted(task)
})

test('one of two written as granted: the other yes does not start the task', async () => {
  sql(
    "update approvals set status = 'granted', by = 'sandbox:lex', at = ?, mac = 'x', mac_key = 'k1' where id = ?",
    Date.now(),
    forLegal.id,
  )
  const { body } = await answer(broker, 'approve', forSecurity)
  expect(body.status).toBe('pending_approval')
  await expectNothingMinted(task)
})

test("another task's genuine yes, copied over", async () => {
  const other = await ask(broker)
  await answer(broker, 'approve', other.approvals[1])
  await answer(broker, 'approve', other.approvals[0], { claims: legal })
  for (const { group, by, at, mac, mac_key, digest } of rows(broker, 'approvals', `task = '${other.id}'`))
    sql(
      `update approvals set status = 'granted', by = ?, at = ?, mac = ?, mac_key = ?, digest = ?
       where task = ? and "group" = ?`,
      by!,
      at!,
      mac!,
      mac_key!,
      digest,
      task.id,
      group,
    )
  activate(task)
  await expectNothingMinted(task)
})

test('a no turned into a yes', async () => {
  await answer(broker, 'approve', forSecurity)
  await answer(broker, 'deny', forLegal, { claims: legal })
  sql("update approvals set status = 'granted' where task = ?", task.id)
  activate(task)
  await expectNothingMinted(task)
})

test('a group whose yes is missing, taken out of the table', async () => {
  await answer(broker, 'approve', forSecurity)
  sql('delete from approvals where id = ?', forLegal.id)
  activate(task)
  await expectNothingMinted(task)
})

test('a yes moved to another group', async () => {
  await answer(broker, 'approve', forSecurity)
  sql(`update approvals set "group" = 'x' where id = ?`, forLegal.id)
  sql(`update approvals set "group" = 'legal' where id = ?`, forSecurity.id)
  activate(task)
  await expectNothingMinted(task)
})

test('the column that says who said yes', async () => {
  await answer(broker, 'approve', forSecurity)
  await answer(broker, 'approve', forLegal, { claims: legal })
  sql("update approvals set by = 'sandbox:eve' where id = ?", forLegal.id)
  await expectNothingMinted(task)
})

test('a task that needed no yes is not stopped by any of this', async () => {
  const { body: plain } = await broker.open()
  const { status, body } = await broker.mint(plain, writeWeb)
  expect(status).toBe(201)
  expect(await broker.use(body.credential.token)).toBe(200)
  expectRefusal(await broker.mint(plain, infra), 403, 'out_of_scope')
  await broker.complete(plain)
})
