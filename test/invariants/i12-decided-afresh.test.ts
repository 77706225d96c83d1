/** I12 Decided afresh: issuer, agent and policy are looked at again before every mint, and for every active task after a reload. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { agentFiles, subjectOf } from '../support/agents.ts'
import { type Answer, readWeb, writeWeb } from '../support/broker.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const files = agentFiles('other-bot')
const broker = await sharedBroker({ files })
const { ledger } = broker.sandbox
const sub = subjectOf('other-bot')

const path = (name: string) => join(broker.directory, name)
const original = await readFile(path('mayfly.yaml'), 'utf8')

/** A task with a live credential. */
async function holding() {
  const { body: task } = await broker.open({ authorization_details: [writeWeb] }, { sub })
  const { body: minted } = await broker.mint(task)
  return { task, entry: ledger.find(minted.credential.token)! }
}

const narrower = files['policies/other-bot.cedar']!.replace(', Mayfly::Action::"write"', '')
const agent = parse(files['agents/other-bot.yaml']!)

/** What changes, and with which code a mint that comes upon it is refused. */
const changes: [string, () => Promise<unknown>, Answer['body']][] = [
  [
    'policy no longer allows it',
    () => writeFile(path('policies/other-bot.cedar'), narrower),
    'policy_denied',
  ],
  ['there is no policy left', () => rm(path('policies/other-bot.cedar')), 'policy_denied'],
  [
    'its identity no longer matches',
    () =>
      writeFile(
        path('agents/other-bot.yaml'),
        stringify({ ...agent, match: [{ issuer: 'sandbox', subject: 'another' }] }),
      ),
    'unknown_agent',
  ],
  [
    'the issuer has another name, and with it other agents',
    async () => {
      const settings = parse(original)
      settings.issuers = { elsewhere: settings.issuers.sandbox }
      for (const admin of settings.admins) admin.issuer = 'elsewhere'
      await writeFile(path('mayfly.yaml'), stringify(settings))
      for (const name of ['refactor-bot', 'other-bot']) {
        const file = path(`agents/${name}.yaml`)
        await writeFile(
          file,
          (await readFile(file, 'utf8')).replaceAll('issuer: sandbox', 'issuer: elsewhere'),
        )
      }
    },
    'invalid_token',
  ],
]

const untouched = new Map<string, string>([['mayfly.yaml', original], ...Object.entries(files)])
untouched.set('agents/refactor-bot.yaml', await readFile(path('agents/refactor-bot.yaml'), 'utf8'))
afterEach(async () => {
  for (const [name, text] of untouched) await writeFile(path(name), text)
  await broker.stop()
  await broker.start()
})

test.each(changes)(
  'I12: a reload after which %s ends the task and takes its credential',
  async (_what, change) => {
    const { task, entry } = await holding()
    const { body: bystander } = await broker.open({ authorization_details: [readWeb] })
    const { body: spared } = await broker.mint(bystander, readWeb)
    await change()
    const answer = await broker.call('POST', '/v1/admin/reload', { token: await broker.admin() })
    expect(answer.status).toBe(200)

    await expect.poll(() => entry.revokedAt, { timeout: 10_000 }).toBeDefined()
    expect((await broker.read(task)).body).toMatchObject({ status: 'revoked', end_reason: 'policy_changed' })
    expectRefusal(await broker.mint(task), 409, 'task_not_active')
    if (_what !== changes[3]![0]) expect(await broker.use(spared.credential.token)).toBe(200)
  },
)

test.each(changes)('I12: a mint after a restart after which %s is refused', async (_what, change, code) => {
  const { task } = await holding()
  const minted = ledger.entries.length
  await broker.stop()
  await change()
  await broker.start()
  const answer = await broker.mint(task)
  expect([code, 'task_not_active']).toContain(answer.body.code)
  expect(ledger.entries).toHaveLength(minted)
})

test('I12: what is widened helps a task no more than its scope', async () => {
  const { body: task } = await broker.open({ authorization_details: [readWeb] }, { sub })
  await writeFile(path('policies/more.cedar'), '@id("all") permit (principal, action, resource);')
  await broker.call('POST', '/v1/admin/reload', { token: await broker.admin() })
  await rm(path('policies/more.cedar'))
  expectRefusal(await broker.mint(task, writeWeb), 403, 'out_of_scope')
})

test('I12: a configuration that is faulty is refused, and the good one stays in force', async () => {
  const { task, entry } = await holding()
  await writeFile(path('policies/other-bot.cedar'), 'permit (')
  const answer = await broker.call('POST', '/v1/admin/reload', { token: await broker.admin() })
  expectRefusal(answer, 409, 'conflict')
  expect(entry.revokedAt).toBeUndefined()
  expect((await broker.mint(task)).status).toBe(201)
})
