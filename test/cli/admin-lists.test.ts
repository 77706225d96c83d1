import { afterAll, beforeAll, expect, it } from 'vitest'
import { agentFiles, subjectOf } from '../support/agents.ts'
import { startTestBroker, type TestBroker } from '../support/broker.ts'
import { mayfly } from '../support/mayfly.ts'

let broker: TestBroker
const tasks: { id: string }[] = []
let lease: string
beforeAll(async () => {
  broker = await startTestBroker({ files: agentFiles('other-bot') })
  for (const purpose of ['first', 'second', 'third']) tasks.push((await broker.open({ purpose })).body)
  lease = (await broker.mint(tasks[0])).body.lease.id
  const infra = { type: 'github', repositories: ['acme/infra'], permissions: { contents: 'write' } }
  await broker.open({ authorization_details: [infra], purpose: 'it waits' })
  await broker.open({ purpose: 'of another' }, { sub: subjectOf('other-bot') })
})
afterAll(() => broker[Symbol.asyncDispose]())

const list = async (...args: string[]) =>
  mayfly(['admin', ...args], { MAYFLY_URL: broker.url, MAYFLY_TOKEN: await broker.admin() })
const items = async (...args: string[]) => JSON.parse((await list(...args, '--json')).stdout)

it('agents come as an aligned table, with what they hold', async () => {
  const { status, stdout, stderr } = await list('agents')
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  const [heading, ...lines] = stdout.trimEnd().split('\n')
  expect(heading).toMatch(/^NAME +STATUS +OWNER +ENVIRONMENT/)
  expect(lines.map((line) => line.split(/ {2,}/).slice(0, 3))).toEqual([
    ['other-bot', 'active', 'tools@acme.dev'],
    ['refactor-bot', 'active', 'linus@acme.dev'],
  ])
  const column = heading!.indexOf('OWNER')
  for (const line of lines) expect(line.slice(column - 2, column + 1)).toMatch(/^ {2}\S$/)
})

it('every filter narrows what is listed', async () => {
  const purposes = async (...args: string[]) =>
    (await items('tasks', ...args)).items.map((task: { purpose: string }) => task.purpose)
  expect(await purposes()).toEqual(['of another', 'it waits', 'third', 'second', 'first'])
  expect(await purposes('--agent', 'other-bot')).toEqual(['of another'])
  expect(await purposes('--status', 'pending_approval')).toEqual(['it waits'])
  expect(await purposes('--id', tasks[1]!.id)).toEqual(['second'])
  expect((await items('leases', '--task', tasks[0]!.id)).items).toMatchObject([{ id: lease, attempts: 0 }])
  expect((await items('leases', '--status', 'revoked')).items).toEqual([])
  expect((await items('approvals', '--group', 'security')).items).toMatchObject([
    { status: 'pending', request: { purpose: 'it waits', groups: ['security'] } },
  ])
})

it('stops at --limit, says that there is more, and goes on at a cursor', async () => {
  const { stdout, stderr } = await list('tasks', '--limit', '2')
  expect(stdout.trimEnd().split('\n')).toHaveLength(3)
  const [, cursor] = /--cursor (\S+)\n$/.exec(stderr) ?? []
  const rest = await items('tasks', '--cursor', cursor!)
  expect(rest).toMatchObject({ items: [{ purpose: 'third' }, {}, {}], next: null })
  expect((await items('tasks', '--limit', '2')).next).toBe(cursor)
})

it('--all fetches page after page', async () => {
  const opened: Promise<unknown>[] = []
  for (let n = 0; n < 201; n += 1) opened.push(broker.open({ purpose: `one of many` }))
  await Promise.all(opened)
  const { items: all, next } = await items('tasks', '--all')
  expect({ next, count: all.length }).toEqual({ next: null, count: 206 })
  expect(new Set(all.map((task: { id: string }) => task.id)).size).toBe(206)
  expect((await items('tasks')).items).toHaveLength(50)
})

it('says so when nothing matches', async () => {
  expect(await list('leases', '--agent', 'nobody')).toMatchObject({ status: 0, stdout: 'no leases match\n' })
})

it('words of the caller can neither break a line nor fill the screen', async () => {
  await broker.open({ purpose: `${'long '.repeat(30)}end` })
  const { stdout } = await list('tasks', '--limit', '1')
  expect(stdout.trimEnd().split('\n')).toHaveLength(2)
  expect(stdout).toContain('…')
  expect(stdout).not.toContain('end')
})

it.each([
  ['a status that is none', ['tasks', '--status', 'bogus'], 'Allowed choices'],
  ['a limit of 0', ['tasks', '--limit', '0'], 'whole number'],
  ['a limit on all', ['tasks', '--limit', '3', '--all'], 'cannot be used with'],
  ['a filter of another list', ['agents', '--task', 't'], 'unknown option'],
])('%s is wrong usage', async (_what, args, words) => {
  const { status, stderr } = await list(...args)
  expect(status).toBe(2)
  expect(stderr).toContain(words)
})

it("a workload's token is refused", async () => {
  const env = { MAYFLY_URL: broker.url, MAYFLY_TOKEN: await broker.workload() }
  const { status, stderr } = await mayfly(['admin', 'tasks'], env)
  expect(status).toBe(1)
  expect(stderr).toContain('mayfly: forbidden: ')
})
