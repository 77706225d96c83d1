/** I11 Claims of the caller only narrow: its own words can forbid, never permit. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker({
  files: {
    'policies/words.cedar': `@id("not-for-releases")
forbid (principal, action, resource) when { context.purpose like "*release*" };

@id("not-with-old-models")
forbid (principal, action, resource)
when { context.request.hasTag("model") && context.request.getTag("model") == "old" };
`,
  },
})

test('I11: what the caller says of itself can forbid', async () => {
  const purpose = await broker.open({ purpose: 'cut a release' })
  expectRefusal(purpose, 403, 'policy_denied')
  expect(purpose.body.denials[0].policies).toEqual(['not-for-releases'])
  expectRefusal(await broker.open({ context: { model: 'old' } }), 403, 'policy_denied')
  expect((await broker.open({ context: { model: 'new' } })).status).toBe(201)
})

test('I11: also what it says only when it asks for the credential', async () => {
  const { body: task } = await broker.open()
  const detail = task.authorization_details[0]
  expectRefusal(await broker.mint(task, detail, { model: 'old' }), 403, 'policy_denied')
  expect((await broker.mint(task, detail, { model: 'new' })).status).toBe(201)
})

test.each(['approvals', 'held', 'class', 'ttl', 'environment', 'depth'])(
  "I11: a context entry named %s is the caller's word, and does not pass for the broker's own",
  async (name) => {
    const infra = { type: 'github', repositories: ['acme/infra'], permissions: { contents: 'write' } }
    const answer = await broker.open({ authorization_details: [infra], context: { [name]: 'security' } })
    expect(answer.status).toBe(202)
  },
)

test.each([
  'permit (principal, action, resource) when { context.purpose == "fix" }',
  'permit (principal, action, resource) when { context.request.hasTag("ci") }',
  'permit (principal, action, resource) when { !(context.purpose like "*x*") }',
  'forbid (principal, action, resource) unless { context.request.hasTag("ci") }',
  'forbid (principal, action, resource) when { context.request.hasTag("ci") == false }',
  'forbid (principal, action, resource) when { if context.purpose == "fix" then false else true }',
])('I11: a policy that could be talked into allowing stops the start: %s', async (policy) => {
  const path = join(broker.directory, 'policies/words.cedar')
  const good = await readFile(path)
  await broker.stop()
  await writeFile(path, `@id("talked-into") ${policy};`)
  await expect(broker.start()).rejects.toThrow()
  await writeFile(path, good)
  await broker.start()
})
