/** What an admin sees: five lists, each filtered by what it knows. */
import { expect, test } from 'vitest'
import { describedBroker } from '../support/described-broker.ts'
import { agentFiles, subjectOf } from '../support/agents.ts'
import { readWeb, writeWeb } from '../support/broker.ts'
import { beside } from '../support/database.ts'
import { expectRefusal } from '../support/refusal.ts'

const broker = await describedBroker({
  files: {
    ...agentFiles('other-bot', { environment: 'prod' }),
    ...agentFiles('overdue-bot', { review_by: '2020-01-01' }),
  },
})
const token = await broker.admin()
const list = async (path: string) => await broker.call('GET', `/v1/admin/${path}`, { token })
const items = async (path: string) => (await list(path)).body.items

const infra = { ...writeWeb, repositories: ['acme/infra'] }
const { body: ours } = await broker.open()
const { body: lease } = await broker.mint(ours, readWeb)
const { body: theirs } = await broker.open({}, { sub: subjectOf('other-bot') })
await broker.mint(theirs)
await broker.complete(theirs)
const { body: waiting } = await broker.open({ authorization_details: [infra] })

const ids = (found: { id: string }[]) => found.map(({ id }) => id)

test('agents, by name, owner, environment and status, in order of name', async () => {
  expect(await items('agents')).toMatchObject([
    { name: 'other-bot', environment: 'prod', status: 'active', open_tasks: 0, live_leases: 0 },
    { name: 'overdue-bot', status: 'expired' },
    { name: 'refactor-bot', status: 'active', open_tasks: 2, live_leases: 1, suspension: null },
  ])
  const names = async (query: string) =>
    (await items(`agents?${query}`)).map(({ name }: { name: string }) => name)
  expect(await names('name=other-bot')).toEqual(['other-bot'])
  expect(await names('owner=linus@acme.dev')).toEqual(['refactor-bot'])
  expect(await names('environment=prod')).toEqual(['other-bot'])
  expect(await names('status=expired')).toEqual(['overdue-bot'])
  expect(await names('status=suspended')).toEqual([])
  expect(await names('status=active&owner=tools@acme.dev')).toEqual(['other-bot'])
})

test('tasks, the newest first, by id, agent, owner, issuer and status, each with its leases', async () => {
  expect(ids(await items('tasks'))).toEqual([waiting.id, theirs.id, ours.id])
  expect(await items(`tasks?id=${ours.id}`)).toMatchObject([{ leases: [{ id: lease.lease.id }] }])
  expect(ids(await items('tasks?agent=other-bot'))).toEqual([theirs.id])
  expect(ids(await items('tasks?owner=linus@acme.dev&status=active'))).toEqual([ours.id])
  expect(ids(await items('tasks?issuer=sandbox'))).toHaveLength(3)
  expect(ids(await items(`tasks?issuer=${broker.sandbox.issuer.url}`))).toHaveLength(3)
  expect(ids(await items('tasks?issuer=other'))).toEqual([])
  expect(ids(await items('tasks?status=pending_approval'))).toEqual([waiting.id])
  expect(ids(await items('tasks?status=completed'))).toEqual([theirs.id])
})

test('leases, by id, task, agent, owner, issuer, provider, connection and status', async () => {
  expect(await items('leases')).toHaveLength(2)
  const [found] = await items(`leases?id=${lease.lease.id}`)
  expect(found).toMatchObject({
    ...lease.lease,
    agent: 'refactor-bot',
    owner: 'linus@acme.dev',
    attempts: 0,
  })
  expect(ids(await items(`leases?task=${ours.id}`))).toEqual([lease.lease.id])
  for (const query of [
    'agent=refactor-bot',
    'owner=linus@acme.dev',
    'status=active',
    'provider=github&connection=acme&status=active',
    'issuer=sandbox&agent=refactor-bot',
    `issuer=${broker.sandbox.issuer.url}&agent=refactor-bot`,
  ])
    expect(ids(await items(`leases?${query}`))).toEqual([lease.lease.id])
  expect(await items('leases?provider=aws')).toEqual([])
  expect(await items('leases?status=revoked')).toMatchObject([{ task: theirs.id }])
})

test('approvals, by id, task, agent, owner, group and status', async () => {
  const [approval] = waiting.approvals
  const [found] = await items('approvals')
  expect(found).toMatchObject({
    ...approval,
    task: { id: waiting.id },
    request: { scope: [{ detail: infra }] },
  })
  const whose = ['agent=refactor-bot', 'owner=linus@acme.dev', 'agent=refactor-bot&group=security']
  for (const query of [
    `id=${approval.id}`,
    `task=${waiting.id}`,
    ...whose,
    'group=security',
    'status=pending',
  ])
    expect(ids(await items(`approvals?${query}`))).toEqual([approval.id])
  expect(await items('approvals?status=granted')).toEqual([])
  expect(await items('approvals?group=legal')).toEqual([])
  expect(await items('approvals?agent=other-bot')).toEqual([])
  expect(await items('approvals?owner=tools@acme.dev&agent=refactor-bot')).toEqual([])
})

test('the audit, by type, actor, agent, owner, task and lease', async () => {
  const all = await items('audit?limit=200')
  expect(all[0].seq).toBe(all.length)
  for (const [name, value, member] of [
    ['type', 'lease.minted', 'type'],
    ['agent', 'other-bot', 'agent'],
    ['owner', 'tools@acme.dev', 'owner'],
    ['task', ours.id, 'task'],
    ['lease', lease.lease.id, 'lease'],
    ['actor', 'agent:refactor-bot', 'actor'],
  ] as const) {
    const found = await items(`audit?limit=200&${name}=${encodeURIComponent(value)}`)
    const wanted = all.filter((event: Record<string, unknown>) => event[member] === value)
    expect(wanted.length).toBeGreaterThan(0)
    expect(found).toEqual(wanted)
  }
})

test('a page may be of a thousand', async () => {
  for (const path of ['agents', 'tasks', 'leases', 'approvals', 'audit'])
    expect(await list(`${path}?limit=1000`)).toMatchObject({ status: 200, body: { next: null } })
})

test('no list holds a secret', async () => {
  for (const path of ['agents', 'tasks', 'leases', 'approvals', 'audit?limit=200']) {
    const text = JSON.stringify((await list(path)).body)
    for (const secret of [lease.credential.token, ours.task_token, waiting.task_token])
      expect(text).not.toContain(secret)
    expect(text).not.toMatch(/handle|token_hash|secret_hash|mac_key/)
  }
})

test.each([
  'agents?nam=other-bot',
  'agents?status=gone',
  'tasks?agnet=other-bot',
  'tasks?status=open',
  'tasks?status=active&status=completed',
  'leases?fingerprint=x',
  'approvals?digest=x',
  'audit?seq=1',
  'audit?type=lease.forged',
  'audit?from=2026-01-01',
  'tasks?limit=0',
  'tasks?limit=1001',
  'tasks?limit=1.5',
  'tasks?limit=ten',
  'tasks?limit=',
  'tasks?cursor=',
  'tasks?cursor=%00',
  'tasks?cursor=bm90IGEgbnVtYmVy',
  'agents?cursor=refactor-bot',
  'tasks?agent=',
  `tasks?agent=${'x'.repeat(301)}`,
  'tasks?agent=a%0d%0ab',
])('a query that means nothing is refused, never ignored: %s', async (query) => {
  expectRefusal(await list(query), 400, 'invalid_request')
})

test.each(["x' or '1'='1", '%', '*', '../x', '%27'])(
  'a filter is compared, not interpreted: %s',
  async (value) => {
    expect(await items(`tasks?agent=${encodeURIComponent(value)}`)).toEqual([])
  },
)

test('events, although somebody has written into one a time that is none', async () => {
  const [{ seq }] = await items('audit?limit=1')
  beside(broker, (db) => db.exec(`update audit_events set at = 1e300 where seq = ${seq}`))
  expect(await items('audit?limit=1')).toMatchObject([{ seq, at: '1970-01-01T00:00:00.000Z' }])
})

test('an event that was altered is shown as damaged, and one that never was, not at all', async () => {
  const columns = 'at, type, actor, agent, owner, task, lease, status, data, request, key, mac'
  const [newest] = await items('audit?limit=1')
  beside(broker, (db) => {
    db.exec(`insert into audit_events (seq, ${columns}) select 0, ${columns} from audit_events where seq = 1`)
    db.exec(
      `insert into audit_events (seq, ${columns}) select -1, ${columns} from audit_events where seq = 1`,
    )
    db.exec("update audit_events set actor = 'admin:eve' where seq = 2")
  })
  const all = await items('audit?limit=200')
  expect(all.map(({ seq }: { seq: number }) => seq).filter((seq: number) => seq < 1)).toEqual([])
  const damaged = all.filter((event: { damaged?: string }) => event.damaged !== undefined)
  // Whoever tried the times out before has altered one too.
  expect(damaged.map(({ seq }: { seq: number }) => seq)).toContain(2)
  expect(damaged.map(({ seq }: { seq: number }) => seq)).not.toContain(newest.seq - 1)
})

test('an approval whose task somebody has taken away hides no other', async () => {
  const { body: kept } = await broker.open({ purpose: 'another', authorization_details: [infra] })
  beside(broker, (db) => {
    db.exec('pragma foreign_keys = off')
    db.exec(`update approvals set task = 'task_gone' where task = '${waiting.id}'`)
  })
  const shown = (await items('approvals')).map(({ task }: { task: { id: string } }) => task.id)
  expect(shown).toContain(kept.id)
  expect(shown).not.toContain(waiting.id)
})
