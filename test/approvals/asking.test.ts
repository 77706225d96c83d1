/** Who is asked is told which policy asks and why, which run it is for, and how long it has waited. */
import { expect, test } from 'vitest'
import { discrepancies } from '../support/audit.ts'
import { infra } from '../support/approvals.ts'
import { writeWeb } from '../support/broker.ts'
import { manualClock } from '../support/clock.ts'
import { beside, rows } from '../support/database.ts'
import { describedBroker } from '../support/described-broker.ts'
import { aRun, withSessions } from '../support/runs.ts'

const policies = `
@id("web") permit (principal, action, resource);
@id("infra-needs-security") @approval("security")
@description("Security looks at every change of the infrastructure")
forbid (principal, action in Mayfly::Action::"write", resource == Mayfly::GithubRepository::"acme/infra")
unless { context.approvals.contains("security") };
@id("short-or-seen") @approval("security")
forbid (principal, action in Mayfly::Action::"write", resource == Mayfly::GithubRepository::"acme/infra")
unless { context.approvals.contains("security") };
@id("and-legal") @approval("legal") @description("")
forbid (principal, action in Mayfly::Action::"write", resource == Mayfly::GithubRepository::"acme/infra")
unless { context.approvals.contains("legal") };
@id("deploys-need-security") @approval("security")
forbid (principal, action in Mayfly::Action::"deploy", resource)
unless { context.approvals.contains("security") };`

const clock = manualClock(Date.parse('2026-11-02T12:00:00Z'))
const { settings: sessions } = withSessions()
const broker = await describedBroker({
  clock,
  files: { 'policies/acme.cedar': policies },
  settings: (sandbox, port) => ({
    ...sessions(sandbox),
    admins: ['security', 'legal'].map((name) => ({
      name,
      issuer: 'sandbox',
      audience: `http://127.0.0.1:${port}/admin`,
      claims: { groups: name },
      may: ['read', 'approve'],
    })),
  }),
})
const listed = async (query = '') =>
  (await broker.call('GET', `/v1/admin/approvals${query}`, { token: await broker.admin() })).body.items

const run = aRun()
const { body: task } = await broker.open({ authorization_details: [infra, writeWeb] }, run)
const ofSecurity = [
  { id: 'infra-needs-security', description: 'Security looks at every change of the infrastructure' },
  { id: 'short-or-seen', description: null },
]
const ofLegal = [{ id: 'and-legal', description: null }]

test('whoever waits is told which policies ask, of each group, and no others', async () => {
  expect(task.status).toBe('pending_approval')
  expect(task.approvals).toMatchObject([
    { group: 'legal', policies: ofLegal },
    { group: 'security', policies: ofSecurity },
  ])
  expect((await broker.read(task)).body.approvals).toEqual(task.approvals)
})

test('and so is whoever is asked, with the run, and the time that it has waited so far', async () => {
  await clock.advance(90_500)
  expect(await listed('?group=security')).toMatchObject([
    { policies: ofSecurity, waited: 90, task: { session: { claims: run } } },
  ])
})

test('once it is answered, with the time that it had waited', async () => {
  const [{ id, digest }] = await listed('?group=security')
  const call = { token: await broker.admin(), body: { digest } }
  expect((await broker.call('POST', `/v1/admin/approvals/${id}/approve`, call)).status).toBe(200)
  await clock.advance(60_000)
  expect(await listed('?group=security')).toMatchObject([{ status: 'granted', waited: 90 }])
  await broker.complete(task)
  expect(await listed('?group=legal')).toMatchObject([{ status: 'expired', waited: 150 }])
})

test('the policies are on record, and a row in which somebody has put others is damaged', async () => {
  const asked = rows(broker, 'audit_events', "type = 'approval.requested' order by seq")
  expect(asked.map(({ data }) => JSON.parse(data!).policies)).toEqual([
    ['and-legal'],
    ['infra-needs-security', 'short-or-seen'],
  ])
  expect(await discrepancies(broker)).toEqual([])
  const { body: other } = await broker.open({ authorization_details: [infra], purpose: 'another' })
  const [{ id }] = other.approvals
  beside(broker, (db) => db.exec(`update approvals set policies = '[]' where id = '${id}'`))
  expect((await listed(`?id=${id}`))[0].damaged).toBeDefined()
})
