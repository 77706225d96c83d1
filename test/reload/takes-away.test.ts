/** A reload that takes something away takes what hangs on it along: at once, and nothing else. */
import { afterAll, beforeEach, expect, test } from 'vitest'
import { describedBroker } from '../support/described-broker.ts'
import { agentFiles, subjectOf } from '../support/agents.ts'
import { startIssuer } from '../support/issuer.ts'
import { systemClock } from '../../src/base/clock.ts'
import { beside } from '../support/database.ts'
import { expectRefusal } from '../support/refusal.ts'
import { filesOf } from '../support/broker-files.ts'

const second = await startIssuer(systemClock())
afterAll(() => second[Symbol.asyncDispose]())
const ours = agentFiles('other-bot')
const broker = await describedBroker({
  settings: ({ issuer }) => ({
    issuers: { sandbox: { issuer: issuer.url }, second: { issuer: second.url } },
  }),
  files: {
    ...ours,
    ...agentFiles('second-bot', { match: [{ issuer: 'second', subject: subjectOf('second-bot') }] }),
  },
})
const { ledger } = broker.sandbox
const files = await filesOf(
  broker,
  ...Object.keys(ours),
  'agents/second-bot.yaml',
  'policies/second-bot.cedar',
  'policies/acme.cedar',
)
const { write, remove, configure, reload } = files

/** A task of each of the three agents, each with a live credential. */
async function holders() {
  const tokens = {
    'refactor-bot': await broker.workload(),
    'other-bot': await broker.workload({ sub: subjectOf('other-bot') }),
    'second-bot': second.token({ aud: broker.url, sub: subjectOf('second-bot') }),
  }
  const held: Record<string, { task: unknown; revoked: () => boolean }> = {}
  for (const [name, token] of Object.entries(tokens)) {
    const detail = { type: 'github', repositories: ['acme/web'], permissions: { contents: 'read' } }
    const body = { purpose: 'a test', authorization_details: [detail] }
    const { body: task } = await broker.call('POST', '/v1/tasks', { token, body })
    const { body: minted } = await broker.mint(task, detail)
    const entry = ledger.find(minted.credential.token)!
    held[name] = { task, revoked: () => entry.revokedAt !== undefined }
  }
  return held
}

beforeEach(async () => {
  await files.restore()
  expect((await reload()).status).toBe(200)
  await broker.revoke({ all: true })
})

test.each<[string, string[], () => Promise<unknown>]>([
  ['nothing', [], () => write('policies/note.cedar', '// Nothing but a note.\n')],
  ['a policy', ['other-bot'], () => remove('policies/other-bot.cedar')],
  [
    'an agent',
    ['other-bot'],
    async () => {
      await remove('agents/other-bot.yaml')
      await remove('policies/other-bot.cedar')
    },
  ],
  [
    'an issuer, with its agents',
    ['second-bot'],
    async () => {
      await configure(({ issuers }) => delete issuers.second)
      await remove('agents/second-bot.yaml')
      await remove('policies/second-bot.cedar')
    },
  ],
  [
    "an agent's right to a repository",
    ['refactor-bot'],
    () =>
      write(
        'policies/acme.cedar',
        '@id("none") forbid (principal == Mayfly::Agent::"refactor-bot", action, resource);',
      ),
  ],
])('%s is taken away: %j lose what they hold before the answer', async (_what, losers, change) => {
  const held = await holders()
  await change()
  expect(await reload()).toMatchObject({ status: 200, body: { status: 'reloaded' } })
  for (const [name, { task, revoked }] of Object.entries(held)) {
    const lost = losers.includes(name)
    expect({ name, revoked: revoked() }).toEqual({ name, revoked: lost })
    expect((await broker.read(task)).body).toMatchObject(
      lost ? { status: 'revoked', end_reason: 'policy_changed' } : { status: 'active', end_reason: null },
    )
  }
})

test.each([
  ['agent', 'refactor-bot'],
  ['status', 'completed'],
])('a task with another %s than it was written with loses what it holds', async (column, value) => {
  const held = await holders()
  const { task, revoked } = held['other-bot'] as { task: { id: string }; revoked: () => boolean }
  beside(broker, (db) => db.prepare(`update tasks set ${column} = ? where id = ?`).run(value, task.id))
  await remove('policies/other-bot.cedar')
  expect((await reload()).status).toBe(200)
  expect(revoked()).toBe(true)
  expect(held['second-bot']!.revoked()).toBe(false)
})

test('an agent that is removed can open nothing more, and one that is added can', async () => {
  await remove('agents/other-bot.yaml')
  await remove('policies/other-bot.cedar')
  for (const [name, text] of Object.entries(agentFiles('new-bot'))) await write(name, text)
  await reload()
  expectRefusal(await broker.open({}, { sub: subjectOf('other-bot') }), 403, 'unknown_agent')
  expect((await broker.open({}, { sub: subjectOf('new-bot') })).status).toBe(201)
})

test('an admin who is removed is none from then on', async () => {
  const token = await broker.admin()
  await configure(({ admins }) => (admins[0].may = ['approve', 'suspend']))
  expect((await broker.call('POST', '/v1/admin/reload', { token })).status).toBe(200)
  expectRefusal(await broker.call('GET', '/v1/admin/tasks', { token }), 403, 'forbidden')
})

test('a limit that is lowered holds from then on', async () => {
  await configure((settings) => (settings.limits = { live_leases: { task: 1 } }))
  await reload()
  const { body: task } = await broker.open()
  expect((await broker.mint(task)).status).toBe(201)
  expectRefusal(await broker.mint(task), 429, 'limit_exceeded')
})
