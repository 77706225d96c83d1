/** A child for another agent: what it may have lies within its parent's scope and that agent's policy. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { agentFiles } from '../support/agents.ts'
import { readWeb, writeWeb } from '../support/broker.ts'
import { openChild } from '../support/children.ts'
import { describedBroker } from '../support/described-broker.ts'
import { expectRefusal } from '../support/refusal.ts'

const broker = await describedBroker({
  files: {
    ...agentFiles('helper'),
    ...agentFiles('reader'),
    'policies/reader.cedar': `@id("reader-reads")
permit (principal == Mayfly::Agent::"reader", action in Mayfly::Action::"read", resource in Mayfly::GithubOwner::"acme");`,
    'policies/shy.cedar': `@id("shy-works-alone")
forbid (principal == Mayfly::Agent::"reader", action, resource) when { context.depth > 1 };`,
    'policies/careful.cedar': `@id("helper-reads-or-writes")
@approval("security")
forbid (principal == Mayfly::Agent::"helper", action in Mayfly::Action::"write", resource)
when { context.held.containsAll(["read", "write"]) }
unless { context.approvals.contains("security") };`,
  },
})
const open = async (details: unknown = [writeWeb]) =>
  (await broker.open({ authorization_details: details })).body
const readDocs = { ...readWeb, repositories: ['acme/docs'] }

test('within both it is opened, is the other agent, and works as it', async () => {
  const parent = await open()
  const { status, body: child } = await openChild(broker, parent, { agent: 'helper' })
  expect(status).toBe(201)
  expect(child).toMatchObject({
    agent: 'helper',
    owner: 'tools@acme.dev',
    parent: parent.id,
    act: { sub: 'helper', act: { sub: 'refactor-bot' } },
  })
  const { status: minted, body } = await broker.mint(child, readWeb)
  expect(minted).toBe(201)
  expect(await broker.use(body.credential.token)).toBe(200)
  await broker.complete(parent)
  expect(await broker.use(body.credential.token)).toBe(401)
})

test('what its parent may not have it gets no more than what its own policy does not permit', async () => {
  const parent = await open()
  const beyond = await openChild(broker, parent, {
    agent: 'helper',
    authorization_details: [readWeb, readDocs],
  })
  expectRefusal(beyond, 403, 'out_of_scope')
  expect(beyond.body.detail).toContain('authorization_details.1:')
  expectRefusal(await openChild(broker, parent, { agent: 'reader' }), 403, 'policy_denied')
  expect(
    (await openChild(broker, parent, { agent: 'reader', authorization_details: [readWeb] })).status,
  ).toBe(201)
  await broker.complete(parent)
})

test('where what it holds calls for a yes, it is told who can ask for one', async () => {
  const parent = await open([readDocs, writeWeb])
  const { body: child } = await openChild(broker, parent, { agent: 'helper' })
  await broker.mint(parent, readDocs)
  const refused = await broker.mint(child)
  expectRefusal(refused, 403, 'policy_denied')
  expect(refused.body.detail).toContain(`it is asked for where ${parent.id} opens a child for it anew`)
  expect((await openChild(broker, child)).body.code).toBe('policy_denied')
  const anew = await openChild(broker, parent, { agent: 'helper' })
  expect(anew).toMatchObject({ status: 202, body: { approvals: [{ group: 'security' }] } })
  await broker.complete(parent)
})

test('nothing below it is wider than it, whoever asks', async () => {
  const parent = await open([readWeb, readDocs])
  const { body: child } = await openChild(broker, parent, {
    agent: 'helper',
    authorization_details: [readWeb],
  })
  // The agent's own policy would permit more; the token of this task is not its identity.
  for (const agent of [undefined, 'helper', 'refactor-bot'])
    expectRefusal(
      await openChild(broker, child, { agent, authorization_details: [readDocs] }),
      403,
      'out_of_scope',
    )
  const { body: grandchild } = await openChild(broker, child, { authorization_details: [readWeb] })
  expect(grandchild).toMatchObject({ agent: 'helper', depth: 2 })
  expectRefusal(await openChild(broker, grandchild), 403, 'out_of_scope')
  await broker.complete(parent)
})

test('a policy can keep an agent from being stood in for', async () => {
  const parent = await open()
  const { body: child } = await openChild(broker, parent)
  const asked = { agent: 'reader', authorization_details: [readWeb] }
  const refused = await openChild(broker, child, asked)
  expectRefusal(refused, 403, 'policy_denied')
  expect(refused.body.denials[0].policies).toEqual(['shy-works-alone'])
  await broker.complete(parent)
})

test('an agent that there is not is refused, and no other named', async () => {
  const parent = await open()
  const refused = await openChild(broker, parent, { agent: 'helpr' })
  expectRefusal(refused, 403, 'unknown_agent')
  expect(refused.body.detail).toBe('agent: there is no agent "helpr"')
  await broker.complete(parent)
})

test('what its parent could no longer have, it is not minted either', async () => {
  const file = join(broker.directory, 'policies/acme.cedar')
  const before = await readFile(file, 'utf8')
  const parent = await open()
  const { body: child } = await openChild(broker, parent, { agent: 'helper' })
  const { body: minted } = await broker.mint(child)
  await writeFile(
    file,
    `${before}\n@id("bot-is-out")\nforbid (principal == Mayfly::Agent::"refactor-bot", action in Mayfly::Action::"write", resource);`,
  )
  try {
    await broker.call('POST', '/v1/admin/reload', { token: await broker.admin() })
    expect((await broker.read(parent)).body.end_reason).toBe('policy_changed')
    expect((await broker.read(child)).body.end_reason).toBe('parent_ended')
    expect(await broker.use(minted.credential.token)).toBe(401)
  } finally {
    await writeFile(file, before)
    await broker.call('POST', '/v1/admin/reload', { token: await broker.admin() })
  }
})

test('its own agent loses a permission at a reload, and it alone ends', async () => {
  const file = join(broker.directory, 'policies/helper.cedar')
  const before = await readFile(file, 'utf8')
  const parent = await open()
  const { body: child } = await openChild(broker, parent, { agent: 'helper' })
  await writeFile(file, before.replace('Mayfly::Action::"write"', 'Mayfly::Action::"deploy"'))
  try {
    await broker.call('POST', '/v1/admin/reload', { token: await broker.admin() })
    expect((await broker.read(child)).body.end_reason).toBe('policy_changed')
    expect((await broker.read(parent)).body.status).toBe('active')
  } finally {
    await writeFile(file, before)
    await broker.call('POST', '/v1/admin/reload', { token: await broker.admin() })
    await broker.complete(parent)
  }
})
