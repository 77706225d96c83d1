/** What admins do to one task of a tree: it goes, with all below it, and nothing beside it. */
import { expect, onTestFinished, test } from 'vitest'
import { agentFiles } from '../support/agents.ts'
import { answer, human, infra, needing } from '../support/approvals.ts'
import { type Answer, startTestBroker, type TestBroker, writeWeb } from '../support/broker.ts'
import { openChild } from '../support/children.ts'
import { expectRefusal } from '../support/refusal.ts'

async function start(): Promise<TestBroker> {
  const { settings, files } = needing('security')
  const helper = agentFiles('helper', { owner: 'lex@acme.dev' })
  const broker = await startTestBroker({ settings, files: { ...files, ...helper } })
  onTestFinished(() => broker[Symbol.asyncDispose]())
  return broker
}

type Body = Answer['body']
type Tree = Record<'root' | 'child' | 'grandchild' | 'beside', { task: Body; secret: string }>

/** root → child (helper) → grandchild; root → beside; each with a credential. */
async function grow(broker: TestBroker): Promise<Tree> {
  const holding = async (task: Body) => ({
    task,
    secret: (await broker.mint(task)).body.credential.token as string,
  })
  const root = await holding((await broker.open()).body)
  const child = await holding((await openChild(broker, root.task, { agent: 'helper' })).body)
  const grandchild = await holding((await openChild(broker, child.task)).body)
  const beside = await holding((await openChild(broker, root.task)).body)
  return { root, child, grandchild, beside }
}

async function statesOf(broker: TestBroker, tree: Tree) {
  const states = Object.entries(tree).map(async ([name, { task, secret }]) => {
    const { body } = await broker.read(task)
    return [name, [body.end_reason ?? body.status, await broker.use(secret)]] as const
  })
  return Object.fromEntries(await Promise.all(states))
}

const admin = async (broker: TestBroker, method: string, path: string, body: object) =>
  broker.call(method, `/v1/admin/${path}`, { token: await human(broker), body })
const revoke = (broker: TestBroker, selector: object) =>
  admin(broker, 'POST', 'revocations', { selector, reason: 'a test' })

test('revoked, a node takes along what hangs off it, told in the answer, and leaves the rest able to go on', async () => {
  const broker = await start()
  const tree = await grow(broker)
  const { body } = await revoke(broker, { task: tree.child.task.id })
  expect(body).toMatchObject({ matched: 2, revoked: 2, fence: null })
  expect(body.tasks).toEqual([tree.child.task.id, tree.grandchild.task.id])
  expect(await statesOf(broker, tree)).toEqual({
    root: ['active', 200],
    child: ['revoked', 401],
    grandchild: ['parent_ended', 401],
    beside: ['active', 200],
  })
  expect((await broker.mint(tree.beside.task)).status).toBe(201)
  expect((await openChild(broker, tree.root.task)).status).toBe(201)
})

test.each([
  ['the agent of a child', { agent: 'helper' }, { root: ['active', 200], child: ['revoked', 401] }],
  ['the agent above it', { agent: 'refactor-bot' }, { root: ['revoked', 401], child: ['parent_ended', 401] }],
])('revoked by %s', async (_what, selector, { root, child }) => {
  const broker = await start()
  const tree = await grow(broker)
  const { body } = await revoke(broker, selector)
  const states = await statesOf(broker, tree)
  expect(states).toMatchObject({ root, child, grandchild: ['parent_ended', 401] })
  expect(body.matched).toBe(Object.values(states).filter(([, status]) => status === 401).length)
})

test('the session is whatever it opened, within its task too', async () => {
  const broker = await start()
  const tree = await grow(broker)
  await revoke(broker, { session: tree.grandchild.task.id })
  expect(Object.values(await statesOf(broker, tree)).map(([, status]) => status)).toEqual([
    401, 401, 401, 401,
  ])
  expectRefusal(await openChild(broker, tree.root.task), 403, 'fenced')
})

test('suspending the agent of a parent ends its children, whoever they are', async () => {
  const broker = await start()
  const tree = await grow(broker)
  await admin(broker, 'POST', 'agents/refactor-bot/suspend', { reason: 'a test' })
  const states = await statesOf(broker, tree)
  expect(states).toMatchObject({
    root: ['agent_suspended', 401],
    child: ['parent_ended', 401],
    grandchild: ['parent_ended', 401],
  })
})

test.each([
  ['agent_suspended', { agent: 'refactor-bot' }],
  ['fenced', { owner: 'linus@acme.dev' }],
] as const)('what is fenced above gets nothing below (%s)', async (code, selector) => {
  const broker = await start()
  const tree = await grow(broker)
  await admin(broker, 'POST', 'fences', { selector, reason: 'a test' })
  expectRefusal(await broker.mint(tree.child.task), 403, code)
  expectRefusal(await openChild(broker, tree.child.task), 403, code)
})

test.each([
  ['of its parent', { sub: 'linus', email: 'linus@acme.dev' }],
  ['of its own agent', { sub: 'lex', email: 'lex@acme.dev' }],
])('the owner %s does not approve a child', async (_whose, claims) => {
  const broker = await start()
  const { body: root } = await broker.open({ authorization_details: [infra] })
  await answer(broker, 'approve', root.approvals[0])
  const { body: child } = await openChild(broker, root, { agent: 'helper', authorization_details: [infra] })
  expect(child.status).toBe('pending_approval')
  expectRefusal(await answer(broker, 'approve', child.approvals[0], { claims }), 403, 'forbidden')
  expect((await answer(broker, 'approve', child.approvals[0])).body.status).toBe('active')
  expect((await broker.mint(child, infra)).status).toBe(201)
})

test('approved once its parent is over, a child is over too', async () => {
  const broker = await start()
  const { body: root } = await broker.open()
  const { body: child } = await openChild(broker, root, { authorization_details: [infra] })
  await broker.complete(root)
  expectRefusal(await answer(broker, 'approve', child.approvals[0]), 409, 'conflict')
  expect((await broker.read(child)).body).toMatchObject({
    end_reason: 'parent_ended',
    approvals: [{ status: 'expired' }],
  })
})

test('a parent lives on without its children, and after a restart they are still its own', async () => {
  const broker = await start()
  const tree = await grow(broker)
  await broker.complete(tree.beside.task)
  await broker.stop()
  await broker.start()
  expect((await statesOf(broker, tree)).root).toEqual(['active', 200])
  await broker.complete(tree.root.task)
  expect(Object.values(await statesOf(broker, tree)).map(([, status]) => status)).toEqual([
    401, 401, 401, 401,
  ])
})

test('what any of the tree holds counts for each of it', async () => {
  const broker = await startTestBroker({
    files: {
      ...agentFiles('helper'),
      'policies/held.cedar': `@id("one-writer")
forbid (principal == Mayfly::Agent::"helper", action, resource == Mayfly::GithubRepository::"acme/docs")
when { context.held.contains("write") };`,
    },
  })
  onTestFinished(() => broker[Symbol.asyncDispose]())
  const readDocs = { ...writeWeb, repositories: ['acme/docs'], permissions: { contents: 'read' } }
  const { body: root } = await broker.open({ authorization_details: [writeWeb, readDocs] })
  const { body: child } = await openChild(broker, root, {
    agent: 'helper',
    authorization_details: [readDocs],
  })
  expect((await broker.mint(child, readDocs)).status).toBe(201)
  await broker.mint(root)
  expectRefusal(await broker.mint(child, readDocs), 403, 'policy_denied')
})
