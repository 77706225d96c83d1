/** A configuration that cannot be put in force changes nothing, and says why. */
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { describedBroker } from '../support/described-broker.ts'
import { type Answer, readWeb } from '../support/broker.ts'
import { rows } from '../support/database.ts'
import { expectRefusal } from '../support/refusal.ts'
import { filesOf } from '../support/broker-files.ts'

const broker = await describedBroker()
const files = await filesOf(broker, 'agents/refactor-bot.yaml', 'policies/acme.cedar', 'seal.key', 'app.pem')
const { write, remove, configure, reload } = files

const { body: task } = await broker.open({ ttl: 3600 })
const { body: minted } = await broker.mint(task, readWeb)

/** What is refused leaves everything as it was: what is held, what can be asked, and the next reload. */
async function expectNothingChanged() {
  expect(await broker.use(minted.credential.token)).toBe(200)
  expect((await broker.mint(task, readWeb)).status).toBe(201)
  expect((await broker.open()).status).toBe(201)
}

afterEach(async () => {
  await files.restore()
  expect((await reload()).status).toBe(200)
})

function expectSaid(answer: Answer, file: string, what: RegExp): void {
  expectRefusal(answer, 409, 'conflict')
  expect(answer.body.detail).toMatch(/the configuration was refused and the one in force stays/)
  expect(answer.body.detail).toContain(join(broker.directory, file))
  expect(answer.body.detail).toMatch(what)
  const [event] = rows(broker, 'audit_events', `type = 'configuration.refused' order by seq desc limit 1`)
  expect(event).toMatchObject({ actor: 'admin:sandbox:ada' })
  expect(JSON.parse(event!.data!).causes[0]).toMatch(what)
  const logged = JSON.parse(broker.log.findLast((line) => line.includes('not reloaded'))!)
  expect(logged).toMatchObject({ file: join(broker.directory, file) })
}

test.each<[string, string, RegExp, () => Promise<unknown>]>([
  ['a key that nobody knows', 'mayfly.yaml', /urll/, () => configure((settings) => (settings.urll = 'x'))],
  ['YAML that is none', 'agents/refactor-bot.yaml', /./, () => write('agents/refactor-bot.yaml', 'name: [')],
  [
    'a policy that does not parse',
    'policies/more.cedar',
    /./,
    () => write('policies/more.cedar', 'permit ('),
  ],
  [
    'a policy that errs about a group',
    'policies/more.cedar',
    /nobody/,
    () =>
      write(
        'policies/more.cedar',
        '@id("x") @approval("nobody") forbid (principal, action, resource) unless { context.approvals.contains("nobody") };',
      ),
  ],
  ['a seal key that is not there', 'mayfly.yaml', /seal/, () => remove('seal.key')],
  ['an upstream key that is none', 'mayfly.yaml', /providers\.github/, () => write('app.pem', 'x')],
  ['no policies directory', 'mayfly.yaml', /policies/, () => configure((s) => (s.policies = './nowhere'))],
])('%s is refused, and nothing has changed', async (_what, file, said, change) => {
  await change()
  expectSaid(await reload(), file, said)
  await files.restore()
  await expectNothingChanged()
})

test('a connection that live leases need is not to be removed', async () => {
  await configure((settings) => (settings.providers = {}))
  expectSaid(await reload(), 'mayfly.yaml', /live leases still need the github connection acme/)
  await expectNothingChanged()
})

test('nor renamed', async () => {
  await configure(({ providers }) => (providers.github[0].name = 'other'))
  expectSaid(await reload(), 'mayfly.yaml', /live leases still need the github connection acme/)
})

test('a seal key that live leases are sealed with is not to be removed', async () => {
  await write('other.key', Buffer.alloc(32, 7).toString('base64'))
  await configure(({ seal }) => (seal.keys = [{ id: 'k2', secret: { file: './other.key' } }]))
  expectSaid(await reload(), 'mayfly.yaml', /sealed with the key k1/)
  await expectNothingChanged()
})

test('why the file of a secret is refused does not show the secret', async () => {
  await write('app.pem', '-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5IGF0IGFsbA==\n-----END PRIVATE KEY-----\n')
  const { body } = await reload()
  expect(body.code).toBe('conflict')
  expect(JSON.stringify(body) + broker.log.join('')).not.toContain('bm90IGEga2V5')
})
