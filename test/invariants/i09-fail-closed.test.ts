/** I9 Fail closed, and say why. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { agentFiles, subjectOf } from '../support/agents.ts'
import { rows } from '../support/database.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker({
  files: {
    ...agentFiles('other-bot'),
    // Cedar's arithmetic overflows, and skips a `forbid` that fails to evaluate: alone it would then allow.
    'policies/overflow.cedar': `@id("fails-for-other-bot")
forbid (principal == Mayfly::Agent::"other-bot", action, resource)
when { context.ttl * 9223372036854775807 < 0 };`,
  },
})

test('I9: an issuer that is not configured is refused before it is ever asked', async () => {
  expectRefusal(await broker.open({}, { iss: 'http://127.0.0.1:9' }), 401, 'invalid_token')
})

test('I9: an identity that matches no agent gets nothing', async () => {
  expectRefusal(await broker.open({}, { sub: 'repo:acme/nobody:ref:refs/heads/main' }), 403, 'unknown_agent')
})

test('I9: a policy that fails when it is evaluated denies, for its own agent alone', async () => {
  const denied = await broker.open({}, { sub: subjectOf('other-bot') })
  expectRefusal(denied, 403, 'policy_denied')
  expect((await broker.open()).status).toBe(201)
})

test('I9: what no policy permits is denied, and the answer says that none does', async () => {
  const detail = { type: 'github', repositories: ['acme/web'], permissions: { secrets: 'read' } }
  const answer = await broker.open({ authorization_details: [detail] })
  expectRefusal(answer, 403, 'policy_denied')
  expect(answer.body.denials).toContainEqual({
    action: 'github.secrets.read',
    resource: 'GithubRepository::"acme/web"',
    policies: [],
  })
})

test.each([
  ['a policy that does not parse', 'policies/acme.cedar', 'permit ('],
  [
    'a policy that names nothing known',
    'policies/acme.cedar',
    '@id("x") permit (principal, action == Mayfly::Action::"x", resource);',
  ],
  ['an agent with a misspelt key', 'agents/refactor-bot.yaml', 'nome: refactor-bot'],
  ['a configuration with an unknown key', 'mayfly.yaml', 'urls: http://127.0.0.1:1'],
  ['a seal key that is too short', 'seal.key', 'c2hvcnQ='],
])('I9: with %s it does not start', async (_what, name, text) => {
  const path = join(broker.directory, name)
  const good = await readFile(path)
  await broker.stop()
  await writeFile(path, text)
  await expect(broker.start()).rejects.toThrow()
  await writeFile(path, good)
  await broker.start()
  expect((await broker.open()).status).toBe(201)
})

test.each(['mayfly.yaml', 'seal.key', 'app.pem'])('I9: without %s it does not start', async (name) => {
  const good = await readFile(join(broker.directory, name))
  await broker.stop()
  await rm(join(broker.directory, name))
  await expect(broker.start()).rejects.toThrow()
  await writeFile(join(broker.directory, name), good)
  await broker.start()
})

test('I9: without its policies it grants nothing', async () => {
  const path = join(broker.directory, 'policies/acme.cedar')
  const good = await readFile(path)
  await broker.stop()
  await rm(path)
  await broker.start()
  expectRefusal(await broker.open(), 403, 'policy_denied')
  await writeFile(path, good)
})

test('I9: a refused request leaves nothing behind but the record of it', async () => {
  const before = rows(broker, 'tasks').length
  await broker.open({}, { sub: subjectOf('other-bot') })
  expect(rows(broker, 'tasks')).toHaveLength(before)
  expect(broker.sandbox.ledger.entries).toEqual([])
})
