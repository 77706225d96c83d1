import { beforeAll, describe, expect, it } from 'vitest'
import { type Client, createClient } from '../../src/client/client.ts'
import { gitCredential } from '../../src/client/git-credential.ts'
import { GitTokens, NoGitCredential } from '../../src/client/git-tokens.ts'
import { KeptCredentials } from '../../src/client/kept.ts'
import { systemClock } from '../../src/base/clock.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker({
  // What the sandbox's usual policy does not allow: workflows are of class deploy.
  files: {
    'policies/deploy.cedar': `@id("deploys-web")
permit (principal, action in Mayfly::Action::"deploy", resource == Mayfly::GithubRepository::"acme/web");`,
  },
})
const { ledger, github: upstream } = broker.sandbox
let client: Client
beforeAll(() => {
  client = createClient({ url: broker.url })
})

type Permissions = Record<string, string>
const github = (repositories: string[], permissions: Permissions) => ({
  type: 'github',
  repositories,
  permissions,
})

/** A task with this scope, and git's calls in it. */
async function within(...scope: ReturnType<typeof github>[]) {
  const { body } = await broker.open({ authorization_details: scope })
  const task = { id: body.id as string, token: body.task_token as string }
  const kept = new KeptCredentials({ client, task, clock: systemClock(), ends: Date.parse(body.expires_at) })
  const tokens = new GitTokens({ client, task, kept })
  const call = (action: string, input: string) =>
    gitCredential(action, input, { tokens: () => tokens, hosts: ['https://github.com'] })
  const get = async (path: string) => fields(await call('get', asked({ path })))
  const leases = async () => (await client.showTask(task)).leases
  return { call, get, leases, expires: body.expires_at as string }
}

const asked = (more: Record<string, string>) =>
  Object.entries({ protocol: 'https', host: 'github.com', ...more })
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
    .concat('\n')
const fields = (answer: string) => Object.fromEntries(answer.split('\n').map((line) => line.split('=', 2)))
/** What upstream knows of the token that git was given. */
const reachOf = ({ password = '' }: Record<string, string>) => {
  const { repositories, permissions } = ledger.find(password)!.scope as Record<string, unknown>
  return { repositories, permissions }
}
const web = github(['acme/web'], { contents: 'write' })

it('get answers as the protocol has it: a user name, the token, and when it dies', async () => {
  const { call, expires } = await within(web)
  const answer = await call('get', asked({ path: 'acme/web.git' }))
  expect(answer).toMatch(/^username=x-access-token\npassword=ghs_[\w.-]+\npassword_expiry_utc=\d+\n$/)
  const { password, password_expiry_utc: expiry } = fields(answer)
  expect(await broker.use(password!)).toBe(200)
  expect(Number(expiry)).toBe(Math.floor(Date.parse(expires) / 1000))
})

describe('what is minted is', () => {
  it('for the one repository, and for what git can use', async () => {
    const { get } = await within(
      github(['acme/docs', 'acme/infra', 'acme/web'], { contents: 'read', issues: 'read' }),
    )
    expect(reachOf(await get('Acme/Docs.git'))).toEqual({
      repositories: ['acme/docs'],
      permissions: { contents: 'read', metadata: 'read' },
    })
  })

  it('with what a push to workflows needs, where the task has that', async () => {
    const { get } = await within(github(['acme/web'], { contents: 'write', workflows: 'write' }))
    expect(reachOf(await get('acme/web'))).toEqual({
      repositories: ['acme/web'],
      permissions: { contents: 'write', workflows: 'write', metadata: 'read' },
    })
  })

  it('of the detail that allows git the most, where several cover the repository', async () => {
    const { get } = await within(
      github(['acme/web'], { contents: 'read' }),
      github(['acme/infra', 'acme/web'], { issues: 'read' }),
      web,
    )
    expect(reachOf(await get('acme/web.git/info/lfs'))).toMatchObject({
      permissions: { contents: 'write' },
    })
  })
})

describe('refused, and nothing minted:', () => {
  it.each([
    ['a repository outside the scope', 'acme/infra.git', 'not within the scope'],
    ['one whose name only begins as one within it', 'acme/web2.git', 'not within the scope'],
    ['one whose contents are not in it', 'acme/docs.git', 'no permission for the contents'],
    ['a path that is no repository', 'web.git', 'not OWNER/REPOSITORY'],
    ['no path at all', '', 'which repository'],
  ])('%s', async (_what, path, words) => {
    const { get, leases } = await within(web, github(['acme/docs'], { issues: 'read' }))
    const error = await get(path).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(NoGitCredential)
    expect((error as Error).message).toContain(words)
    expect(await leases()).toEqual([])
  })
})

it('the default port of the scheme is the same host', async () => {
  const { call } = await within(web)
  expect(await call('get', asked({ host: 'github.com:443', path: 'acme/web' }))).toContain('password=')
})

it("a wiki is under its repository's own token", async () => {
  const { get } = await within(web)
  for (const path of ['acme/web.wiki.git', 'acme/web.wiki'])
    expect(reachOf(await get(path))).toMatchObject({ repositories: ['acme/web'] })
})

it.each([
  ['another host', { host: 'github.com.evil.example' }],
  ['another port', { host: 'github.com:8443' }],
  ['a user name before the host', { host: 'github.com@evil.example' }],
  ['the same host in clear', { protocol: 'http' }],
  ['no host', { host: '' }],
])('%s gets nothing, and others may be asked', async (_what, where) => {
  const { call, leases } = await within(web)
  expect(await call('get', asked({ path: 'acme/web.git', ...where }))).toBe('')
  expect(await leases()).toEqual([])
})

it('the host is found in whatever case git was given it', async () => {
  const { call } = await within(web)
  expect(await call('get', asked({ host: 'GitHub.com', path: 'acme/web' }))).toContain('password=')
})

it('what comes behind the blank line is not heeded', async () => {
  const { call } = await within(web, github(['acme/docs'], { contents: 'read' }))
  const answer = fields(await call('get', `${asked({ path: 'acme/docs' })}path=acme/web\n`))
  expect(reachOf(answer)).toMatchObject({ repositories: ['acme/docs'] })
})

describe('one token serves', () => {
  it('every call for a repository, also of many at once', async () => {
    const { get, leases } = await within(web, github(['acme/docs'], { contents: 'read' }))
    const all = await Promise.all(Array.from({ length: 60 }, () => get('acme/web.git')))
    expect(new Set(all.map(({ password }) => password)).size).toBe(1)
    expect((await get('acme/docs'))['password']).not.toBe(all[0]!['password'])
    expect(await leases()).toHaveLength(2)
  })

  it('all repositories of a scope that has more of them than a task may have leases', async () => {
    const names = Array.from({ length: 60 }, (_, index) => `m${index}`)
    upstream.settings.repositories.push(...names)
    const { get, leases } = await within(
      github(
        names.map((name) => `acme/${name}`),
        { contents: 'read', issues: 'read' },
      ),
    )
    const all = await Promise.all(names.map((name) => get(`acme/${name}`)))
    expect(new Set(all.map(({ password }) => password)).size).toBe(1)
    expect(await leases()).toHaveLength(1)
    expect(reachOf(all[0]!)).toMatchObject({ permissions: { contents: 'read', metadata: 'read' } })
    expect(await broker.use(all[0]!['password']!, '/repos/acme/m59')).toBe(200)
  })

  it('until it is erased', async () => {
    const { call, get } = await within(web)
    const { password } = await get('acme/web')
    await call('erase', asked({ password: password! }))
    const next = await get('acme/web')
    expect(next['password']).not.toBe(password)
    expect(await broker.use(next['password']!)).toBe(200)
  })

  it('not when minting it has failed', async () => {
    const { get } = await within(web)
    upstream.suspend()
    await expect(get('acme/web')).rejects.toMatchObject({ code: 'provider_rejected' })
    upstream.unsuspend()
    expect(await get('acme/web')).toHaveProperty('password')
  })
})

it('erase gives back the lease of the password, and no other', async () => {
  const { call, get, leases } = await within(web, github(['acme/docs'], { contents: 'read' }))
  const [one, other] = [await get('acme/web'), await get('acme/docs')]
  expect(await call('erase', asked({ password: one['password']! }))).toBe('')
  expect((await leases()).map(({ status }) => status)).toEqual(['revoked', 'active'])
  expect(await broker.use(one['password']!)).toBe(401)
  expect(await broker.use(other['password']!, '/repos/acme/docs')).toBe(200)
})

it("erase of a password that is not the task's changes nothing", async () => {
  const [mine, theirs] = [await within(web), await within(web)]
  await mine.get('acme/web')
  const { password } = await theirs.get('acme/web')
  for (const input of [
    asked({ password: password! }),
    asked({}),
    asked({ password: 'pat', host: 'b.example' }),
  ])
    expect(await mine.call('erase', input)).toBe('')
  expect(await broker.use(password!)).toBe(200)
  expect((await mine.leases()).map(({ status }) => status)).toEqual(['active'])
})

it.each(['store', 'capability', 'constructor'])('%s is ignored', async (action) => {
  const { call, get, leases } = await within(web)
  const { password } = await get('acme/web')
  expect(await call(action, asked({ path: 'acme/web', password: password! }))).toBe('')
  expect((await leases()).map(({ status }) => status)).toEqual(['active'])
})
