import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestBroker, type TestBroker } from '../support/broker.ts'
import { mayfly } from '../support/mayfly.ts'

let broker: TestBroker
beforeAll(async () => {
  broker = await startTestBroker()
})
afterAll(() => broker[Symbol.asyncDispose]())

const admin = async (...args: string[]) =>
  mayfly(['admin', ...args], { MAYFLY_URL: broker.url, MAYFLY_TOKEN: await broker.admin() })

it('a suspended agent holds nothing and gets nothing, until it is resumed', async () => {
  const { body: task } = await broker.open()
  const { body: minted } = await broker.mint(task)
  const suspended = await admin('suspend', 'refactor-bot', '--reason', 'it looked odd')
  expect(suspended).toMatchObject({ status: 0, stderr: '' })
  expect(suspended.stdout).toBe('refactor-bot is suspended: 0 open tasks, 0 leases not over\n')
  expect(await broker.use(minted.credential.token)).toBe(401)
  expect((await broker.open()).body.code).toBe('agent_suspended')
  expect((await admin('agents')).stdout).toContain('by sandbox:ada: it looked odd')

  const resumed = await admin('resume', 'refactor-bot', '--reason', 'it was a test', '--json')
  expect(JSON.parse(resumed.stdout)).toMatchObject({
    name: 'refactor-bot',
    status: 'active',
    suspension: null,
  })
  expect((await broker.open()).status).toBe(201)
})

it('what is not suspended, or not there, is told as that', async () => {
  expect((await admin('resume', 'refactor-bot', '--reason', 'r')).stderr).toContain('mayfly: conflict: ')
  expect((await admin('suspend', 'nobody', '--reason', 'r')).stderr).toContain('mayfly: not_found: ')
  const elsewhere = await admin('suspend', '../../v1/admin/reload', '--reason', 'r')
  expect(elsewhere).toMatchObject({ status: 1, stdout: '' })
  expect(elsewhere.stderr).toContain('not the name of an agent')
  expect(await admin('suspend', 'refactor-bot')).toMatchObject({ status: 2 })
})

it('a reload puts the new configuration in force, or says why not', async () => {
  const agent = join(broker.directory, 'agents/refactor-bot.yaml')
  const good = await readFile(agent, 'utf8')
  await writeFile(agent, good.replace('max_ttl: 3600', 'max_ttl: 300'))
  expect(await admin('reload')).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^the new configuration is in force\n/),
  })
  expect((await broker.open({ ttl: 600 })).status).toBe(400)
  await writeFile(agent, 'name: [')
  const { status, stderr } = await admin('reload')
  expect(status).toBe(1)
  expect(stderr).toContain('mayfly: conflict: the configuration was refused')
  await writeFile(agent, good)
  expect(JSON.parse((await admin('reload', '--json')).stdout)).toMatchObject({ status: 'reloaded' })
})
