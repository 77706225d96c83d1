import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { discrepancies } from '../support/audit.ts'
import { startTestBroker, type TestBroker } from '../support/broker.ts'
import { rows } from '../support/database.ts'
import { revokes } from '../support/github.ts'
import { mayfly } from '../support/mayfly.ts'

let broker: TestBroker
beforeAll(async () => {
  broker = await startTestBroker()
})
afterAll(() => broker[Symbol.asyncDispose]())
beforeEach(async () => {
  broker.sandbox.github.faults.clear()
  await broker.stop()
  await broker.start()
})

const offline = (...args: string[]) =>
  mayfly(['admin', 'revoke', '--offline', '-c', broker.file, '--reason', 'break glass', ...args])

async function held() {
  const { body: task } = await broker.open()
  const { body: minted } = await broker.mint(task)
  return {
    task: task.id as string,
    secret: minted.credential.token as string,
    lease: minted.lease.id as string,
  }
}

/** The configuration with some of its keys changed, beside the good one. */
// oxlint-disable-next-line no-explicit-any -- as it stands in the file; a wrong guess fails the test
async function changed(change: (settings: Record<string, any>) => void): Promise<string> {
  const settings = parse(await readFile(broker.file, 'utf8'))
  change(settings)
  const file = join(broker.directory, 'changed.yaml')
  await writeFile(file, stringify(settings))
  return file
}

it('ends tasks and kills credentials in the place of a stopped broker, and the record says who', async () => {
  const one = await held()
  await broker.stop()
  const { status, stdout, stderr } = await offline('--task', one.task, '--json')
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(JSON.parse(stdout)).toMatchObject({
    tasks: [one.task],
    matched: 1,
    revoked: 1,
    leases: [{ id: one.lease, status: 'revoked', evidence: { result: 'dead' } }],
  })
  expect(await broker.use(one.secret)).toBe(401)
  const actor = `admin:offline:${userInfo().username}`
  expect(rows(broker, 'audit_events', `type = 'task.ended' and task = '${one.task}'`)).toMatchObject([
    { actor },
  ])
  expect(rows(broker, 'audit_events', `type = 'revocation.ordered' and actor = '${actor}'`)).toHaveLength(1)
  expect(await discrepancies(broker)).toEqual([])
})

it('means what its selector means, and no more', async () => {
  const [one, other] = [await held(), await held()]
  await broker.stop()
  expect(await offline('--lease', one.lease)).toMatchObject({ status: 0 })
  expect([await broker.use(one.secret), await broker.use(other.secret)]).toEqual([401, 200])
  expect(await offline('--provider', 'github/acme')).toMatchObject({ status: 0 })
  expect(await broker.use(other.secret)).toBe(401)
  expect(rows(broker, 'tasks', `id = '${other.task}'`)).toMatchObject([{ status: 'active' }])
  expect(await offline('--agent', 'refactor-bot')).toMatchObject({ status: 0 })
  expect(rows(broker, 'tasks', `id = '${other.task}'`)).toMatchObject([{ status: 'revoked' }])
})

it('refuses beside a running broker, and changes nothing', async () => {
  const { secret } = await held()
  const { status, stdout, stderr } = await offline('--all')
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  expect(stderr).toMatch(/another broker is running.*\n {2}Use `mayfly admin revoke` without --offline/)
  expect(await broker.use(secret)).toBe(200)
})

it('needs neither an issuer nor agents nor policies, nor anything else that is right', async () => {
  const { secret } = await held()
  await broker.stop()
  const file = await changed((settings) => {
    settings['issuers'] = { sandbox: { issuer: 'ftp://nowhere' } }
    settings['agents'] = './no-such-directory'
    settings['policies'] = './no-such-directory'
    settings['listen'] = 'everywhere'
    settings['unknown'] = true
    delete settings['url']
  })
  const args = ['admin', 'revoke', '--offline', '-c', file, '--all', '--reason', 'break glass']
  const { status, stderr } = await mayfly(args)
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(await broker.use(secret)).toBe(401)
})

it('a connection that cannot be made is told, and hinders no other', async () => {
  const { secret } = await held()
  await broker.stop()
  const broken = { name: 'other', app_id: 1, private_key: { file: './none.pem' }, owners: ['other'] }
  const file = await changed((settings) => settings['providers'].github.push(broken))
  const args = ['admin', 'revoke', '--offline', '-c', file, '--all', '--reason', 'break glass']
  expect(await mayfly(args)).toMatchObject({ status: 0 })
  expect(await broker.use(secret)).toBe(401)
})

it('a credential whose connection cannot be made is told as alive, with what is wrong', async () => {
  const { secret } = await held()
  await broker.stop()
  const file = await changed((settings) => {
    settings['providers'].github[0].private_key = { file: './none.pem' }
  })
  const args = [
    'admin',
    'revoke',
    '--offline',
    '-c',
    file,
    '--all',
    '--reason',
    'break glass',
    '--within',
    '1',
  ]
  const { status, stderr } = await mayfly(args)
  expect(status).toBe(1)
  expect(stderr).toMatch(/^mayfly: not_revoked: 1 of 1 lease may still work upstream: .+\n {2}.+\n$/)
  expect(stderr).toContain('providers.github[0].private_key: the file does not exist')
  expect(await broker.use(secret)).toBe(200)
  expect(await offline('--all')).toMatchObject({ status: 0 })
  expect(await broker.use(secret)).toBe(401)
})

it('an upstream that fails is tried again until it answers', async () => {
  const { secret } = await held()
  await broker.stop()
  const outage = broker.sandbox.github.faults.add({ kind: 'status', status: 502, times: 2, on: revokes })
  expect(await offline('--all')).toMatchObject({ status: 0 })
  expect(outage.hits).toBe(2)
  expect(await broker.use(secret)).toBe(401)
})

it('does not call it done when the time is up, and the next broker goes on', async () => {
  const { secret } = await held()
  await broker.stop()
  const outage = broker.sandbox.github.faults.add({ kind: 'status', status: 502, on: revokes })
  const { status, stdout, stderr } = await offline('--all', '--within', '1')
  expect(status).toBe(1)
  expect(stdout).toContain('1 pending')
  expect(stderr).toContain('acme: GitHub answered 502')
  outage.clear()
  await broker.start()
  await expect.poll(() => broker.use(secret), { timeout: 10_000 }).toBe(401)
})

it('a store that is not there is told as that, and not made', async () => {
  await broker.stop()
  const file = await changed((settings) => (settings['store'] = 'sqlite:./elsewhere.db'))
  const args = ['admin', 'revoke', '--offline', '-c', file, '--all', '--reason', 'break glass']
  const { status, stderr } = await mayfly(args)
  expect(status).toBe(1)
  expect(stderr).toContain('there is no store at ')
  expect(existsSync(join(broker.directory, 'elsewhere.db'))).toBe(false)
})

it('without the seal key nothing is tried', async () => {
  const { secret } = await held()
  await broker.stop()
  const key = join(broker.directory, 'seal.key')
  const good = await readFile(key, 'utf8')
  await rm(key)
  const { status, stderr } = await offline('--all')
  await writeFile(key, good, { mode: 0o600 })
  expect(status).toBe(1)
  expect(stderr).toContain('seal.keys[0].secret: the file does not exist')
  expect(await broker.use(secret)).toBe(200)
})

it('what is for the broker is not mixed with what is for doing without', async () => {
  const through = ['admin', 'revoke', '--all', '--reason', 'r', '--url', broker.url]
  expect(await mayfly([...through, '-c', broker.file])).toMatchObject({ status: 2 })
  expect(await mayfly([...through, '--within', '3'])).toMatchObject({ status: 2 })
  const nowhere = await mayfly(['admin', 'revoke', '--all', '--reason', 'r'])
  expect(nowhere.status).toBe(2)
  expect(nowhere.stderr).toContain('--url')
})

it('does not take a misspelt name for one that has nothing', async () => {
  await broker.stop()
  const { status, stdout, stderr } = await offline('--agent', 'refactorbot')
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  expect(stderr).toContain('mayfly: not_found: ')
  expect((await offline('--agent', 'refactor-bot')).status).toBe(0)
})
