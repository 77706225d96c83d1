import { createServer } from 'node:http'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { confirm } from '../../src/cli/confirm.ts'
import { digestOf } from '../../src/tasks/approval-digest.ts'
import { startTestBroker, type TestBroker } from '../support/broker.ts'
import { rows } from '../support/database.ts'
import { mayfly } from '../support/mayfly.ts'
import { hasTerminal, onTerminal } from './terminal.ts'

let broker: TestBroker
beforeAll(async () => {
  broker = await startTestBroker()
})
afterAll(() => broker[Symbol.asyncDispose]())

const infra = { type: 'github', repositories: ['acme/infra'], permissions: { contents: 'write' } }
const asAdmin = async () => ({ MAYFLY_URL: broker.url, MAYFLY_TOKEN: await broker.admin() })

/** A task that waits, and its one approval. */
async function waiting(body: Record<string, unknown> = {}) {
  const { body: task } = await broker.open({ authorization_details: [infra], ...body })
  const [{ id, digest }] = task.approvals
  return { task, id: id as string, digest: digest as string }
}
const statusOf = async (task: unknown) => (await broker.read(task)).body.status

describe('a script', () => {
  it('approves the request whose digest it gives, which is shown', async () => {
    const { task, id, digest } = await waiting({ context: { ticket: 'OPS-7' } })
    const { status, stdout, stderr } = await mayfly(
      ['admin', 'approve', id, '--yes', '--digest', digest, '--reason', 'seen in OPS-7'],
      await asAdmin(),
    )
    expect(status).toBe(0)
    expect(stdout).toMatch(new RegExp(`^${task.id} active\n`))
    for (const shown of [
      `${id} asks for the yes of security`,
      'policy   infra-needs-security: Security looks at every change of the infrastructure first',
      'waiting  for ',
      `, until ${task.expires_at}`,
      `task     ${task.id}`,
      'agent    refactor-bot, owned by linus@acme.dev',
      `identity repo:acme/web:ref:refs/heads/main of ${broker.sandbox.issuer.url}`,
      'purpose  "a test", in its own words',
      `scope    github/acme ${JSON.stringify(infra)}`,
      'for      600 seconds',
      'context  "ticket" is "OPS-7", in its own words',
      'needs    security',
      `digest   ${digest}`,
    ])
      expect(stderr).toContain(shown)
    expect(await statusOf(task)).toBe('active')
    expect(rows(broker, 'approvals', `id = '${id}'`)).toMatchObject([
      { status: 'granted', by: 'sandbox:ada', reason: 'seen in OPS-7' },
    ])
  })

  it('denies, and gets the task and what it answered as JSON', async () => {
    const { task, id, digest } = await waiting()
    const { status, stdout, stderr } = await mayfly(
      ['admin', 'deny', id, '--yes', '--digest', digest, '--json'],
      await asAdmin(),
    )
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({
      id: task.id,
      status: 'denied',
      answered: { id, digest, request: { task: task.id, purpose: 'a test', groups: ['security'] } },
    })
  })

  it('answers nothing with the digest of another request', async () => {
    const [one, other] = [await waiting(), await waiting({ purpose: 'another' })]
    const args = ['admin', 'approve', one.id, '--yes', '--digest', other.digest]
    const { status, stdout, stderr } = await mayfly(args, await asAdmin())
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toMatch(/^mayfly: not_confirmed: the request has another digest/)
    expect(await statusOf(one.task)).toBe('pending_approval')
  })

  it('answers nothing without a digest, nor where nobody can be asked', async () => {
    const { task, id } = await waiting()
    expect(await mayfly(['admin', 'approve', id, '--yes'], await asAdmin())).toMatchObject({ status: 2 })
    const { status, stderr } = await mayfly(['admin', 'approve', id], await asAdmin())
    expect(status).toBe(1)
    expect(stderr).toContain('there is no terminal to ask on')
    expect(await statusOf(task)).toBe('pending_approval')
  })

  it('is told when there is no such approval, or it is settled', async () => {
    const { id, digest } = await waiting()
    const args = (which: string) => ['admin', 'approve', which, '--yes', '--digest', digest]
    await mayfly(args(id), await asAdmin())
    const again = await mayfly(args(id), await asAdmin())
    expect(again).toMatchObject({ status: 1, stdout: '' })
    expect(again.stderr).toContain('no longer waiting: it is granted')
    expect((await mayfly(args('appr_none'), await asAdmin())).stderr).toContain(
      'there is no approval appr_none',
    )
  })
})

it('a digest that is not that of what the broker shows is not approved', async () => {
  const { task, id, digest } = await waiting()
  const { task: shown, id: other } = await waiting({ purpose: 'something harmless' })
  // As a broker would answer that shows one request and asks for the yes to another.
  const { body } = await broker.call('GET', `/v1/admin/approvals?id=${other}`, {
    token: await broker.admin(),
  })
  const [item] = body.items
  await using impostor = await startImpostor({ items: [{ ...item, id, digest }], next: null })
  const env = { MAYFLY_URL: impostor.url, MAYFLY_TOKEN: await broker.admin() }
  const { status, stderr } = await mayfly(['admin', 'approve', id, '--yes', '--digest', digest], env)
  expect(status).toBe(1)
  expect(stderr).toContain('the digest is not that of the request')
  expect(impostor.posted()).toBe(0)
  expect([await statusOf(task), await statusOf(shown)]).toEqual(['pending_approval', 'pending_approval'])
})

it('what shows nothing, or reorders what is shown, is shown as its code point', async () => {
  const { task, id } = await waiting()
  const { body } = await broker.call('GET', `/v1/admin/approvals?id=${id}`, { token: await broker.admin() })
  const [item] = body.items
  // As an older broker may have kept it: this one takes no such words.
  const request = { ...item.request, purpose: 'read\u202etsuj\u200b' }
  const asked = { ...item, request, digest: digestOf(request) }
  await using other = await startImpostor({ items: [asked], next: null, ...task, purpose: request.purpose })
  const env = { MAYFLY_URL: other.url, MAYFLY_TOKEN: await broker.admin() }
  const { stdout, stderr } = await mayfly(['admin', 'deny', id, '--yes', '--digest', asked.digest], env)
  expect(stderr).toContain(String.raw`"read\u{202e}tsuj\u{200b}"`)
  expect(stdout).toContain(String.raw`purpose  read\u{202e}tsuj\u{200b}`)
  const { stdout: json } = await mayfly(['admin', 'approvals', '--json'], env)
  expect(json).toContain(String.raw`read\u202etsuj\u200b`)
  expect(JSON.parse(json).items).toEqual([asked])
})

describe.skipIf(!hasTerminal)('on a terminal', () => {
  const question = 'this, for security? [y/N] '

  it('asks after all is shown, and approves on yes', async () => {
    const { task, id, digest } = await waiting()
    const env = await asAdmin()
    const { status, screen } = await onTerminal(['admin', 'approve', id], env, question, 'y\r')
    expect(status).toBe(0)
    expect(screen.indexOf(digest)).toBeGreaterThan(0)
    expect(screen.indexOf(digest)).toBeLessThan(screen.indexOf(`Approve ${question}`))
    expect(await statusOf(task)).toBe('active')
  })

  it.each([
    ['an empty line', '\r'],
    ['no', 'n\r'],
    ['Ctrl-C', '\u0003'],
    ['the end of input', '\u0004'],
  ])('%s answers nothing', async (_what, typed) => {
    const { task, id } = await waiting()
    const { status, screen } = await onTerminal(['admin', 'deny', id], await asAdmin(), question, typed)
    expect(status).toBe(1)
    expect(screen).toContain('not_confirmed: nothing was answered')
    expect(await statusOf(task)).toBe('pending_approval')
  })
})

test.each([
  ['y\n', true],
  ['YES\n', true],
  [' yes \n', true],
  ['\n', false],
  ['n\n', false],
  ['yeah\n', false],
  ['no, y\n', false],
  ['', false],
])('%j is taken as %s', async (typed, meant) => {
  const [input, output] = [new PassThrough(), new PassThrough()]
  const answered = confirm('? ', { input, output })
  input.end(typed)
  expect(await answered).toBe(meant)
  expect(output.read()?.toString()).toBe('? ')
})

/** Answers every GET alike, and counts what is posted. */
async function startImpostor(answer: unknown) {
  let posts = 0
  const server = createServer((request, response) => {
    if (request.method === 'POST') posts += 1
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify(answer))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('it does not listen')
  return {
    url: `http://127.0.0.1:${address.port}`,
    posted: () => posts,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  }
}
