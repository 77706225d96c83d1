/** The action, run as the runner runs it: whatever becomes of the job, nothing is alive afterwards. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { parse } from 'yaml'
import { sandboxWorkload } from '../../src/sandbox/configuration.ts'
import { job } from '../support/actions-runner.ts'
import { mints } from '../support/github.ts'
import { consoleBroker } from '../support/people.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until } from '../support/until.ts'

const broker = await sharedBroker(consoleBroker)
const { github, ledger } = broker.sandbox
const alive = () => ledger.alive()
const web = { scope: 'github:acme/web:contents=read' }
const own = (path: string) =>
  readFileSync(fileURLToPath(new URL(`../../action/${path}`, import.meta.url)), 'utf8')

afterEach(() => {
  github.faults.clear()
  expect(alive()).toEqual([])
})

test('the job gets a token that works, masked before it is handed out, and post ends it', async () => {
  const run = await job(broker)
  const { status, stdout } = await run.main(web).ended
  expect(status).toBe(0)
  const { token, task } = run.outputs()
  expect(await broker.use(token!)).toBe(200)
  for (const secret of [token!, run.state()['token']!, run.state()['identity']!])
    expect(stdout).toContain(`::add-mask::${secret}\n`)
  expect(await run.post()).toEqual({ status: 0, stdout: '' })
  expect(await broker.use(token!)).toBe(401)
  const { body } = await broker.call('GET', `/v1/admin/tasks`, { token: await broker.admin() })
  expect(body.items.find(({ id }: { id: string }) => id === task)).toMatchObject({ status: 'completed' })
})

test('several items are several credentials, in their order', async () => {
  const run = await job(broker)
  const scope = `github:acme/web:contents=read\n{"type":"github","repositories":["acme/docs"],"permissions":{"contents":"read"}}`
  expect((await run.main({ scope }).ended).status).toBe(0)
  const [first, second] = JSON.parse(run.outputs()['credentials']!)
  expect(run.outputs()['token']).toBeUndefined()
  expect(await broker.use(first.token)).toBe(200)
  expect(await broker.use(second.token, '/repos/acme/docs')).toBe(200)
  await run.post()
})

test('of a mint whose answer was lost, and that was made again, nothing is said: nobody was given it', async () => {
  const run = await job(broker)
  github.faults.add({ kind: 'reset-after-processing', times: 1, on: mints })
  expect((await run.main(web).ended).status).toBe(0)
  const { token } = run.outputs()
  expect(await broker.use(token!)).toBe(200)
  const [unheard] = ledger.entries.slice(-2)
  expect(await run.post()).toEqual({ status: 0, stdout: '' })
  expect(await broker.use(token!)).toBe(401)
  expect(alive().map(({ secret }) => secret)).toEqual([unheard!.secret])
  await fetch(`${github.url}/installation/token`, {
    method: 'DELETE',
    headers: { Authorization: `Bearer ${unheard!.secret}`, 'User-Agent': 'test' },
  })
})

test.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)(
  'a job cancelled with %s in the middle of a mint',
  async (signal) => {
    const slow = github.faults.add({ kind: 'slow', ms: 300, on: mints })
    const run = await job(broker)
    const main = run.main(web)
    await until(() => slow.hits > 0)
    main.process.kill(signal)
    expect((await main.ended).status).not.toBe(0)
    expect(run.outputs()['token']).toBeUndefined()
    expect((await run.post()).status).toBe(0)
    await until(() => alive().length === 0)
  },
)

test('a main that died before it knew its task leaves none open', async () => {
  const run = await job(broker)
  await run.main(web).ended
  const { task } = run.outputs()
  run.forget('task')
  expect(Object.keys(run.state())).toEqual(['url', 'identity', 'body', 'key'])
  expect((await run.post()).status).toBe(0)
  const { body } = await broker.call('GET', `/v1/admin/tasks`, { token: await broker.admin() })
  expect(body.items.find(({ id }: { id: string }) => id === task)).toMatchObject({ status: 'completed' })
})

test('a mint that fails fails the step, and post ends what there is', async () => {
  const run = await job(broker)
  const scope = 'github:acme/web:contents=read\ngithub:acme/nowhere:contents=read'
  const { status, stdout } = await run.main({ scope }).ended
  expect({ status, stdout }).toMatchObject({ status: 1, stdout: expect.stringContaining('::error::') })
  expect(alive()).toHaveLength(1)
  expect((await run.post()).status).toBe(0)
})

test('what waits for approval is on the job’s page with a link to decide, and goes on once it is given', async () => {
  const run = await job(broker)
  const main = run.main({ scope: 'github:acme/infra:contents=write' })
  await until(() => run.summary() !== '')
  const [id = ''] = /appr_\w+/.exec(run.summary()) ?? []
  expect(run.summary()).toContain(
    `- **security**: [decide on its page](${broker.url}/console/approvals/${id}), or \`mayfly admin approve ${id}`,
  )
  const token = await broker.admin()
  const { body } = await broker.call('GET', '/v1/admin/approvals', { token })
  const { digest } = body.items.find((each: { id: string }) => each.id === id)
  await broker.call('POST', `/v1/admin/approvals/${id}/approve`, { token, body: { digest } })
  expect((await main.ended).status).toBe(0)
  expect(await broker.use(run.outputs()['token']!, '/repos/acme/infra')).toBe(200)
  await run.post()
})

test.each([
  ['denied', 'deny', {}, 'is denied'],
  ['not decided in time', '', { wait: '1' }, 'still waits'],
])('what is %s fails the step', async (_how, verb, inputs, why) => {
  const run = await job(broker)
  const main = run.main({ scope: 'github:acme/infra:contents=write', ...inputs })
  await until(() => run.summary() !== '')
  const token = await broker.admin()
  const [id = ''] = /appr_\w+/.exec(run.summary()) ?? []
  const { body } = await broker.call('GET', '/v1/admin/approvals', { token })
  const { digest } = body.items.find((each: { id: string }) => each.id === id)
  if (verb) await broker.call('POST', `/v1/admin/approvals/${id}/${verb}`, { token, body: { digest } })
  expect(await main.ended).toMatchObject({ status: 1, stdout: expect.stringContaining(why) })
  expect((await run.post()).status).toBe(0)
})

test.each([
  ['without an identity', { identity: false }, web, 'id-token: write'],
  ['that is nobody', { claims: { ...sandboxWorkload, repository_id: '666' } }, web, 'unknown_agent'],
  [
    'that asks for what policy forbids',
    {},
    { scope: 'github:acme/docs:contents=write' },
    'docs-are-read-only',
  ],
  ['with a scope that is none', {}, { scope: 'github:acme/web' }, 'a github scope is'],
])('a job %s is told why', async (_how, options, inputs, why) => {
  const run = await job(broker, options)
  const { status, stdout } = await run.main(inputs).ended
  expect({ status, stdout }).toMatchObject({ status: 1, stdout: expect.stringContaining(why) })
  expect((await run.post()).status).toBe(0)
})

test('text of others can be neither a command to the runner nor Markdown', async () => {
  const run = await job(broker)
  const main = run.main({
    scope: 'github:acme/infra:contents=write',
    purpose: '<b>[x](https://evil.example)',
    wait: '1',
  })
  const { stdout } = await main.ended
  expect(run.summary()).toContain(String.raw`&lt;b&gt;\[x\]\(https://evil.example\)`)
  expect(stdout.split('\n').filter((line) => line.startsWith('::set-'))).toEqual([])
  await run.post()
})

test('its description names each input that it reads, and files that need nothing installed', () => {
  const { inputs, runs } = parse(own('action.yml'))
  expect(runs).toMatchObject({ using: 'node24', 'post-if': 'always()' })
  const scripts = ['main.mjs', 'post.mjs', 'runner.mjs', 'broker.mjs', 'scope.mjs'].map(own).join('\n')
  expect([runs.main, runs.post]).toEqual(['main.mjs', 'post.mjs'])
  const read = [...scripts.matchAll(/input\('([\w-]+)'\)/g)].map(([, name]) => name)
  expect(new Set(read)).toEqual(new Set(Object.keys(inputs)))
  for (const [, from] of scripts.matchAll(/from '([^']+)'/g)) expect(from).toMatch(/^(node:|\.\/)/)
})
