/** An admin's force, selector by selector. */
import { expect, test } from 'vitest'
import { sandboxWorkload } from '../../src/sandbox/configuration.ts'
import { agentFiles, subjectOf } from '../support/agents.ts'
import { filesOf } from '../support/broker-files.ts'
import { openChild } from '../support/children.ts'
import { beside, rows } from '../support/database.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker({ files: agentFiles('other-bot') })
const { ledger } = broker.sandbox

/** Two agents of different owners, each with a task and a credential; and a task that waits. */
async function holders() {
  const [ours, theirs] = await Promise.all(
    [sandboxWorkload.sub, subjectOf('other-bot')].map(async (sub) => {
      const { body: task } = await broker.open({}, { sub })
      const { body: minted } = await broker.mint(task)
      return { task, lease: minted.lease, token: minted.credential.token as string }
    }),
  )
  const infra = { type: 'github', repositories: ['acme/infra'], permissions: { contents: 'write' } }
  const { body: waiting } = await broker.open({ authorization_details: [infra] })
  return { ours: ours!, theirs: theirs!, waiting }
}
type Holders = Awaited<ReturnType<typeof holders>>

const status = async (task: unknown) => (await broker.read(task)).body.status

test.each<
  [string, (held: Holders) => Record<string, unknown>, { theirs: boolean; tasks: boolean; waiting: boolean }]
>([
  ['task', ({ ours }) => ({ task: ours.task.id }), { theirs: false, tasks: true, waiting: false }],
  ['lease', ({ ours }) => ({ lease: ours.lease.id }), { theirs: false, tasks: false, waiting: false }],
  ['agent', () => ({ agent: 'refactor-bot' }), { theirs: false, tasks: true, waiting: true }],
  ['owner', () => ({ owner: 'linus@acme.dev' }), { theirs: false, tasks: true, waiting: true }],
  ['provider', () => ({ provider: 'github' }), { theirs: true, tasks: false, waiting: false }],
  ['connection', () => ({ provider: 'github/acme' }), { theirs: true, tasks: false, waiting: false }],
  ['issuer', () => ({ issuer: 'sandbox' }), { theirs: true, tasks: true, waiting: true }],
  [
    "issuer's URL",
    () => ({ issuer: broker.sandbox.issuer.url }),
    { theirs: true, tasks: true, waiting: true },
  ],
  ['all', () => ({ all: true }), { theirs: true, tasks: true, waiting: true }],
])('by %s: what it means is dead before the answer, and nothing else', async (_name, selector, meant) => {
  await broker.revoke({ all: true })
  const held = await holders()

  const { status: answered, body } = await broker.revoke(selector(held))

  const matched = meant.theirs ? 2 : 1
  expect(answered).toBe(200)
  expect(body).toMatchObject({
    id: expect.stringMatching(/^rev_/),
    matched,
    revoked: matched,
    pending: 0,
    irrevocable: 0,
  })
  expect(body.leases).toHaveLength(matched)
  for (const lease of body.leases)
    expect(lease).toMatchObject({ status: 'revoked', evidence: { result: 'dead' } })
  expect(ledger.find(held.ours.token)?.revokedAt).toBeDefined()
  expect(ledger.find(held.theirs.token)?.revokedAt !== undefined).toBe(meant.theirs)

  const ended = [
    ...(meant.tasks ? [held.ours.task.id] : []),
    ...(meant.tasks && meant.theirs ? [held.theirs.task.id] : []),
    ...(meant.waiting ? [held.waiting.id] : []),
  ]
  expect(body.tasks).toHaveLength(ended.length)
  expect(new Set(body.tasks)).toEqual(new Set(ended))
  expect(await status(held.ours.task)).toBe(meant.tasks ? 'revoked' : 'active')
  expect(await status(held.theirs.task)).toBe(meant.tasks && meant.theirs ? 'revoked' : 'active')
  expect(await status(held.waiting)).toBe(meant.waiting ? 'revoked' : 'pending_approval')
})

test.each([
  { task: 'task_00000000000000000000000000000000' },
  { lease: '../../leases' },
  { agent: 'nobody' },
  { owner: 'nobody@acme.dev' },
  { provider: 'github/other' },
  { issuer: 'nobody' },
  { provider: 'vault' },
  { issuer: 'https://nobody.acme.dev' },
  { session: 'task_00000000000000000000000000000000' },
  { session: { issuer: 'nobody', claims: { run_id: '1' } } },
  { claim: { issuer: 'nobody', name: 'run_id', value: '1' } },
])('a selector that names what is not known is told so, and revokes nothing: %o', async (selector) => {
  const { ours } = await holders()
  const orders = rows(broker, 'audit_events', "type = 'revocation.ordered'").length
  for (const fence of [undefined, true, false]) {
    const body = { selector, reason: 'a test', fence }
    const answered = await broker.call('POST', '/v1/admin/revocations', { token: await broker.admin(), body })
    expectRefusal(answered, 404, 'not_found')
  }
  expect(await broker.use(ours.token)).toBe(200)
  expect(rows(broker, 'audit_events', "type = 'revocation.ordered'")).toHaveLength(orders)
})

test('an owner is meant then and now: what was opened as theirs, and what is of an agent that is theirs by now', async () => {
  const { ours, theirs } = await holders()
  const files = await filesOf(broker, 'agents/other-bot.yaml')
  const [[path, text]] = Object.entries(agentFiles('other-bot', { owner: 'Grace@acme.dev' })) as [
    [string, string],
  ]
  await files.write(path, text)
  expect((await files.reload()).status).toBe(200)
  const listed = async (owner: string) => {
    const token = await broker.admin()
    const path = `/v1/admin/tasks?status=active&owner=${owner}`
    return (await broker.call('GET', path, { token })).body.items.map(({ id }: { id: string }) => id)
  }
  expect(await listed('grace@acme.dev')).toContain(theirs.task.id)
  expect(await listed('tools@acme.dev')).toContain(theirs.task.id)

  const { body: now } = await broker.revoke({ owner: 'grace@acme.dev' })
  expect(now.tasks).toContain(theirs.task.id)
  expect(await broker.use(theirs.token)).toBe(401)
  expect(await broker.use(ours.token)).toBe(200)

  const again = (await broker.open({}, { sub: subjectOf('other-bot') })).body
  await files.restore()
  await files.reload()
  const { body: then } = await broker.revoke({ owner: 'Grace@ACME.dev' })
  expect(then.tasks).toEqual([again.id])
})

test('the order is on record, with who gave it, what for, and how', async () => {
  const { ours } = await holders()
  const { body } = await broker.call('POST', '/v1/admin/revocations', {
    token: await broker.admin(),
    body: { selector: { task: ours.task.id }, reason: 'it was seen in a log' },
  })
  const [event] = rows(broker, 'audit_events', `type = 'revocation.ordered' order by seq desc limit 1`)
  expect(event).toMatchObject({ actor: 'admin:sandbox:ada' })
  expect(JSON.parse(event!.data!)).toEqual({
    id: body.id,
    selector: { task: ours.task.id },
    reason: 'it was seen in a log',
  })
})

test('revoking twice finds nothing left to revoke', async () => {
  const { ours } = await holders()
  await broker.revoke({ task: ours.task.id })
  expect((await broker.revoke({ task: ours.task.id })).body).toMatchObject({ tasks: [], matched: 0 })
})

test('an admin may revoke again with the same token', async () => {
  const token = await broker.admin()
  const order = { token, body: { selector: { agent: 'other-bot' }, reason: 'a test' } }
  const answers = [
    await broker.call('POST', '/v1/admin/revocations', order),
    await broker.call('POST', '/v1/admin/revocations', order),
  ]
  expect(answers.map((answer) => answer.status)).toEqual([200, 200])
})

test('a workload is no admin, whatever its token is for', async () => {
  const { ours } = await holders()
  for (const aud of [broker.url, `${broker.url}/admin`]) {
    const token = await broker.workload({ aud, groups: ['security'] })
    const order = { selector: { all: true }, reason: 'a test' }
    expectRefusal(
      await broker.call('POST', '/v1/admin/revocations', { token, body: order }),
      403,
      'forbidden',
    )
  }
  expect(await broker.use(ours.token)).toBe(200)
})

test.each<[string, string, string, () => Record<string, unknown>]>([
  ['agent', 'agent', 'other-bot', () => ({ agent: 'refactor-bot' })],
  ['owner', 'owner', 'grace@acme.dev', () => ({ owner: 'linus@acme.dev' })],
  ['issuer', 'issuer', 'another', () => ({ issuer: 'sandbox' })],
  ['claim', 'principal', '{}', () => ({ claim: claim() })],
  [
    'session',
    'principal',
    '{}',
    () => ({ session: { issuer: 'sandbox', claims: { sub: sandboxWorkload.sub } } }),
  ],
  ['all', 'status', 'completed', () => ({ all: true })],
])('by %s: a task whose %s somebody has altered goes too', async (_name, column, value, selector) => {
  const ours = await alone()
  beside(broker, (db) => db.prepare(`update tasks set ${column} = ? where id = ?`).run(value, ours.task.id))
  expect((await broker.revoke(selector())).status).toBe(200)
  expect(await broker.use(ours.token)).toBe(401)
})

const claim = () => ({ issuer: 'sandbox', name: 'sub', value: sandboxWorkload.sub })

/** The only task that there is, and its credential. */
async function alone() {
  await broker.revoke({ all: true })
  const { body: task } = await broker.open()
  const { body: minted } = await broker.mint(task)
  return { task, token: minted.credential.token as string }
}

test('a child of another agent goes with the one that says it is over', async () => {
  const ours = await alone()
  const { body: child } = await openChild(broker, ours.task, { agent: 'other-bot' })
  const { body: minted } = await broker.mint(child)
  beside(broker, (db) => db.prepare("update tasks set status = 'completed' where id = ?").run(ours.task.id))
  const { body } = await broker.revoke({ agent: 'refactor-bot' })
  expect(body.tasks).toContain(child.id)
  expect(await broker.use(minted.credential.token)).toBe(401)
})
