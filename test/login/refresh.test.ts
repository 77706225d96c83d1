/** A fresh identity for each task, and how a login ends. */
import { chmod, mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { decodeJwt } from 'jose'
import { findIdentity } from '../../src/client/identity.ts'
import { NoIdentity } from '../../src/client/no-identity.ts'
import { knownBrokers, rememberBroker } from '../../src/client/login/brokers.ts'
import { UnsafeFile } from '../../src/client/login/files.ts'
import { type Laptop, laptop, logIn, peopleBroker } from '../support/people.ts'
import { aJwt } from '../support/secrets.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker(peopleBroker)
const { issuer } = broker.sandbox

let mine: Laptop
beforeEach(async () => {
  issuer.settings.login.refreshesIdToken = true
  mine = await laptop()
})

const login = (username = 'grace', ...args: string[]) => logIn(broker, mine, username, ...args)
const identity = (env: Record<string, string> = mine.env) =>
  findIdentity({ env, audience: broker.url, broker: broker.url, projected: '/nowhere' })
const failure = (work: Promise<unknown>) =>
  work.then(
    (given): Error & { remedy?: string } => new Error(`it gave ${String(given)}`),
    (error: unknown) => error as Error & { remedy?: string },
  )
const logins = () => join(mine.home, '.config/mayfly/logins')
const loginFile = async () => join(logins(), (await readdir(logins()))[0]!)

test('each call gives another token, and each opens a task', async () => {
  expect((await login()).status).toBe(0)
  const tokens = [await identity(), await identity()]
  expect(new Set(tokens).size).toBe(2)
  expect(decodeJwt(tokens[0]!)).toMatchObject({ sub: 'grace', aud: 'mayfly' })
  for (const token of tokens) {
    const body = { purpose: 'a test', authorization_details: [webRead], ttl: 60 }
    const { body: task } = await broker.call('POST', '/v1/tasks', { token, body })
    expect(task).toMatchObject({ status: 'active', agent: 'claude-code', owner: 'grace@acme.dev' })
  }
})
const webRead = { type: 'github', repositories: ['acme/web'], permissions: { contents: 'read' } }

test('many processes at once have one each, though each refresh token is good once', async () => {
  await login()
  const args = ['token', '--url', broker.url, '--scope', 'github:acme/web:contents=read', '--ttl', '60']
  const all = await Promise.all(Array.from({ length: 4 }, () => mine.mayfly(...args)))
  expect(all.map(({ status, stderr }) => ({ status, stderr }))).toEqual(
    all.map(() => ({ status: 0, stderr: '' })),
  )
  expect(await identity()).toMatch(/^eyJ/)
})

test('a login that the issuer has ended says to log in again, and is forgotten', async () => {
  await login()
  const { login: kept } = JSON.parse(await readFile(await loginFile(), 'utf8')) as {
    login: { refresh: string }
  }
  await fetch(`${issuer.url}/revoke`, {
    method: 'POST',
    body: new URLSearchParams({ token: kept.refresh, client_id: 'mayfly' }),
  })
  const error = await failure(identity())
  expect(error).toBeInstanceOf(NoIdentity)
  expect(error.message).toContain('grace@acme.dev')
  expect(error.remedy).toContain(`mayfly login --url ${broker.url}`)
  expect(error.message).not.toContain(kept.refresh)
  expect((await failure(identity())).message).toContain('no identity token')
})

test('a refresh token that somebody has copied and used ends the login of both', async () => {
  await login()
  const { login: kept } = JSON.parse(await readFile(await loginFile(), 'utf8')) as {
    login: { refresh: string }
  }
  await identity()
  const thief = await fetch(`${issuer.url}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: kept.refresh,
      client_id: 'mayfly',
    }),
  })
  expect(thief.status).toBe(400)
  expect((await failure(identity())).message).toContain('has ended')
})

test('inside a task the login is not used', async () => {
  await login()
  const task = { MAYFLY_TASK: 'task_x', MAYFLY_TASK_TOKEN: 'mft_x' }
  expect((await failure(identity({ ...mine.env, ...task }))).message).toContain('no identity token')
  await login('ada', '--admin')
  const inside = await laptop({ ...mine.env, ...task })
  expect((await inside.mayfly('admin', 'agents', '--url', broker.url)).stderr).toContain('no admin token')
})

test('a token that is named comes before the login', async () => {
  await login()
  expect(await identity({ ...mine.env, MAYFLY_TOKEN: 'named' })).toBe('named')
})

test('an issuer that gives no ID token when it refreshes is named', async () => {
  await login()
  issuer.settings.login.refreshesIdToken = false
  expect((await failure(identity())).message).toContain('gave no ID token')
  issuer.settings.login.refreshesIdToken = true
  expect(await identity()).toMatch(/^eyJ/)
})

test('an issuer that does not answer costs nothing', async () => {
  await login()
  issuer.faults.add({ kind: 'status', status: 503, times: 1, on: ({ path }) => path === '/token' })
  expect(await failure(identity())).toBeInstanceOf(NoIdentity)
  expect(await identity()).toMatch(/^eyJ/)
})

test('what is kept is for this user alone, and says nothing in any output', async () => {
  const { stdout, stderr } = await login()
  const file = await loginFile()
  const { login: kept } = JSON.parse(await readFile(file, 'utf8')) as { login: { refresh: string } }
  expect(await modes(file, logins())).toEqual(['600', '700'])
  const whoami = await mine.mayfly('whoami', '--json')
  for (const said of [stdout, stderr, whoami.stdout, whoami.stderr]) {
    expect(said).not.toContain(kept.refresh)
    expect(said).not.toMatch(aJwt)
  }
})

async function modes(...paths: string[]) {
  const { stat } = await import('node:fs/promises')
  return await Promise.all(paths.map(async (path) => ((await stat(path)).mode & 0o777).toString(8)))
}

test.each<[string, () => Promise<unknown>, string]>([
  [
    'a link',
    async () => {
      const file = await loginFile()
      await rename(file, `${mine.home}/elsewhere`)
      await symlink(`${mine.home}/elsewhere`, file)
    },
    'symbolic link',
  ],
  ['open to others', async () => await chmod(await loginFile(), 0o644), 'open to others'],
  [
    'a folder',
    async () => {
      const file = await loginFile()
      await rename(file, `${mine.home}/elsewhere`)
      await mkdir(file)
    },
    'not the file',
  ],
])('a login that is %s is not believed', async (_what, spoil, why) => {
  await login()
  await spoil()
  const error = await failure(identity())
  expect(error).toBeInstanceOf(UnsafeFile)
  expect(error.message).toContain(why)
  expect(
    (await mine.mayfly('token', '--url', broker.url, '--scope', 'github:acme/web:contents=read')).status,
  ).toBe(1)
})

test('a link that somebody has put there is replaced by a login, and what it leads to left alone', async () => {
  await login()
  const file = await loginFile()
  const victim = `${mine.home}/victim`
  await writeFile(victim, 'mine', { mode: 0o600 })
  await mine.mayfly('logout', '--url', broker.url)
  await symlink(victim, file)
  await login()
  expect(await readFile(victim, 'utf8')).toBe('mine')
  expect(await identity()).toMatch(/^eyJ/)
})

test('logging out ends the login at the issuer too, and again is no mistake', async () => {
  await login()
  const { login: kept } = JSON.parse(await readFile(await loginFile(), 'utf8')) as {
    login: { refresh: string }
  }
  expect((await mine.mayfly('logout', '--url', broker.url)).stdout).toContain('Logged out grace@acme.dev')
  expect((await mine.mayfly('logout', '--url', broker.url)).stdout).toContain('Nobody was logged in')
  const again = await fetch(`${issuer.url}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: kept.refresh,
      client_id: 'mayfly',
    }),
  })
  expect(again.status).toBe(400)
})

test('a second login ends the first at the issuer, and lets the new one live', async () => {
  await login()
  const { login: kept } = JSON.parse(await readFile(await loginFile(), 'utf8')) as {
    login: { refresh: string }
  }
  await login('linus')
  expect(await stillGood(kept.refresh)).toBe(false)
  expect(decodeJwt(await identity()).sub).toBe('linus')
})

test('a login at an issuer or client that the broker names no more ends there too', async () => {
  await login()
  const { login: kept } = JSON.parse(await readFile(await loginFile(), 'utf8')) as {
    login: { refresh: string }
  }
  const [facts] = knownBrokers(mine.env)
  const issuers = facts!.issuers.map((each) => ({ ...each, client_id: 'another' }))
  await rememberBroker(mine.env, { ...facts!, issuers })
  expect((await failure(identity())).message).toContain('is not one that the broker names any more')
  expect(await stillGood(kept.refresh)).toBe(false)
})

async function stillGood(refresh: string): Promise<boolean> {
  const body = { grant_type: 'refresh_token', refresh_token: refresh, client_id: 'mayfly' }
  const { ok } = await fetch(`${issuer.url}/token`, { method: 'POST', body: new URLSearchParams(body) })
  return ok
}

test('an admin’s login opens no task and is not renewed; a workload’s is no admin’s', async () => {
  const { stdout } = await login('ada', '--admin', '--json')
  expect(JSON.parse(stdout)).toMatchObject({ kind: 'admin', renewed: false, client: 'mayfly-admin' })
  expect((await failure(identity())).message).toContain('no identity token')
  const { token } = (JSON.parse(await readFile(await loginFile(), 'utf8')) as { login: { token: string } })
    .login
  const body = { purpose: 'a test', authorization_details: [webRead] }
  expect((await broker.call('POST', '/v1/tasks', { token, body })).body.code).toBe('invalid_token')
  expect((await broker.call('GET', '/v1/admin/agents', { token })).status).toBe(200)
  await login('ada')
  const workload = await identity()
  expect((await broker.call('GET', '/v1/admin/agents', { token: workload })).body.code).toBe('forbidden')
})
