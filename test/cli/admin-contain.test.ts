/** `admin contain`, `fences` and `lift`. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { discrepancies } from '../support/audit.ts'
import { startTestBroker, type TestBroker } from '../support/broker.ts'
import { mayfly } from '../support/mayfly.ts'
import { expectRefusal } from '../support/refusal.ts'
import { aRun, withSessions } from '../support/runs.ts'

let broker: TestBroker
beforeAll(async () => {
  broker = await startTestBroker(withSessions())
})
afterAll(() => broker[Symbol.asyncDispose]())

const asAdmin = async () => ({ MAYFLY_URL: broker.url, MAYFLY_TOKEN: await broker.admin() })
const admin = async (...args: string[]) => mayfly(['admin', ...args], await asAdmin())
const contain = (...args: string[]) => admin('contain', ...args, '--reason', 'it misbehaves')

async function running(run: Record<string, string> = aRun()) {
  const { body: task } = await broker.open({}, run)
  const { body: minted } = await broker.mint(task)
  return { run, task: task.id as string, secret: minted.credential.token as string }
}
const idIn = (text: string) => /fence_\w+/.exec(text)![0]

it('keeps out the run that opened a task and kills what it holds; the fence is listed, and can be lifted', async () => {
  const [one, other] = [await running(), await running()]
  const second = await running(one.run)
  const { status, stdout, stderr } = await contain('--session', one.task)
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(stdout).toMatch(
    /^rev_\w+: ended 2 tasks; 2 leases matched: 2 over, 0 pending, 0 irrevocable\n {2}fence_\w+ keeps out session \{/,
  )
  for (const { secret } of [one, second]) expect(await broker.use(secret)).toBe(401)
  expect(await broker.use(other.secret)).toBe(200)
  expectRefusal(await broker.open({}, one.run), 403, 'fenced')

  const id = idIn(stdout)
  const list = await admin('fences')
  expect(list.stdout).toMatch(
    new RegExp(`^${id} +standing +session \\{.*refactor-bot.*sandbox:ada +it misbehaves`, 'm'),
  )
  expect(JSON.parse((await admin('fences', '--json', '--kind', 'session')).stdout).items).toMatchObject([
    { id },
  ])
  const lifted = await admin('lift', id, '--reason', 'a false alarm')
  expect(lifted).toMatchObject({ status: 0, stdout: expect.stringContaining(`${id} is lifted`) })
  expect((await broker.open({}, one.run)).status).toBe(201)
  expect(await discrepancies(broker)).toEqual([])
})

it.each([
  [['--agent', 'refactor-bot'], 'agent_suspended'],
  [['--owner', 'linus@acme.dev'], 'fenced'],
  [['--issuer', 'sandbox'], 'fenced'],
  [['--provider', 'github/acme'], 'fenced'],
  [['--claim', 'sandbox:repository_id=123'], 'fenced'],
  [['--claim', 'sandbox:repository_id=123', '--claim', 'sandbox:repository=acme/web'], 'fenced'],
  [['--all'], 'fenced'],
] as const)('by %s', async (selector, code) => {
  const { secret } = await running()
  const { status, stdout } = await contain(...selector, '--json')
  expect(status).toBe(0)
  const { fence, matched, revoked } = JSON.parse(stdout)
  expect(revoked).toBe(matched)
  expect(await broker.use(secret)).toBe(401)
  expectRefusal(await broker.open(), 403, code)
  expect((await admin('lift', fence.id, '--reason', 'over')).status).toBe(0)
  expect((await broker.open()).status).toBe(201)
})

it('by a claim of an issuer that is named by its URL, until a time', async () => {
  const until = new Date(Date.now() + 3_600_000).toISOString()
  const selector = ['--claim', `${broker.sandbox.issuer.url}:actor=eve`, '--until', until]
  const { status, stdout } = await contain(...selector, '--json')
  expect(status).toBe(0)
  expect(JSON.parse(stdout).fence).toMatchObject({
    selector: { claim: { issuer: 'sandbox', name: 'actor', value: 'eve' } },
    until,
  })
  expectRefusal(await broker.open({}, { actor: 'eve' }), 403, 'fenced')
})

it('says what is not dead yet, and is kept out all the same', async () => {
  const { run, task } = await running()
  const outage = broker.sandbox.github.faults.add({ kind: 'status', status: 500 })
  const { status, stdout, stderr } = await contain('--task', task)
  outage.clear()
  expect(status).toBe(1)
  expect(stdout).toContain('1 pending')
  expect(stderr).toMatch(/^mayfly: not_revoked: 1 of 1 lease/)
  expectRefusal(await broker.open({}, run), 403, 'fenced')
})

it('says so where a fresh token gets in, for no claim names a session', async () => {
  const { task, secret } = await running({})
  const { status, stderr } = await contain('--task', task)
  expect(status).toBe(1)
  expect(stderr).toMatch(/^mayfly: not_contained: a fresh token gets in/)
  expect(await broker.use(secret)).toBe(401)
})

it('a misspelt name is not found, and keeps nobody out', async () => {
  for (const selector of [
    ['--agent', 'refactorbot'],
    ['--claim', 'okta:x=y'],
    ['--task', 'task_0'],
  ]) {
    const { status, stdout, stderr } = await contain(...selector)
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toContain('mayfly: not_found: ')
  }
  expect((await admin('lift', 'fence_0', '--reason', 'x')).stderr).toContain('mayfly: not_found: ')
})

it.each([
  [[], 'exactly one of'],
  [['--agent', 'a', '--all'], 'exactly one of'],
  [['--claim', 'nothing'], 'ISSUER:NAME=VALUE'],
  [['--claim', 'a:x=1', '--claim', 'b:y=2'], 'of the same issuer'],
  [['--all', '--until', 'tomorrow'], 'a time with its zone'],
  [['--all', '--within', '5'], 'is for --offline'],
])('%j is misuse', async (args, message) => {
  const { status, stderr } = await contain(...args)
  expect(status).toBe(2)
  expect(stderr).toContain(message)
})

it('without a broker: it is kept out by the next one', async () => {
  const { run, task, secret } = await running()
  await broker.stop()
  const args = ['admin', 'contain', '--offline', '-c', broker.file, '--reason', 'break glass']
  const { status, stdout, stderr } = await mayfly([...args, '--task', task, '--json'])
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(JSON.parse(stdout)).toMatchObject({
    tasks: [task],
    revoked: 1,
    fence: { by: expect.stringMatching(/^offline:/) },
  })
  expect(await broker.use(secret)).toBe(401)
  // An agent that the store has never heard of, but the configuration has.
  expect((await mayfly([...args, '--agent', 'refactor-bot'])).status).toBe(0)
  expect((await mayfly([...args, '--agent', 'nobody'])).stderr).toContain('mayfly: not_found: ')
  expect(await discrepancies(broker)).toEqual([])
  await broker.start()
  expectRefusal(await broker.open({}, run), 403, 'agent_suspended')
  const resume = { token: await broker.admin(), body: { reason: 'over' } }
  await broker.call('POST', '/v1/admin/agents/refactor-bot/resume', resume)
  expectRefusal(await broker.open({}, run), 403, 'fenced')
  expect((await broker.open({}, aRun())).status).toBe(201)
})
