import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { devNull, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { world, type World } from './client.ts'

interface Outcome {
  ok: boolean
  stdout: string
  stderr: string
}

/** Git as a stranger's: no configuration of anybody's, nobody to ask for a password. */
async function workplace({ github }: World) {
  const home = await mkdtemp(join(tmpdir(), 'mayfly-git-test-'))
  onTestFinished(() => rm(home, { recursive: true, force: true }))
  const env = {
    PATH: process.env['PATH'],
    HOME: home,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: devNull,
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: 'a',
    GIT_AUTHOR_EMAIL: 'a@example.com',
    GIT_COMMITTER_NAME: 'a',
    GIT_COMMITTER_EMAIL: 'a@example.com',
  }
  const git = (...args: string[]) =>
    new Promise<Outcome>((resolve) =>
      execFile('git', args, { env, cwd: home }, (error, stdout, stderr) =>
        resolve({ ok: !error, stdout, stderr }),
      ),
    )
  const address = (token: string, repository = 'acme/web.git') =>
    `${github.url.replace('//', `//x-access-token:${token}@`)}/${repository}`
  const commit = async (folder: string, file: string, text: string) => {
    const path = join(home, folder, file)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
    await git('-C', folder, 'add', '.')
    await git('-C', folder, 'commit', '-m', 'a change')
  }
  return { git, address, commit }
}

const mintFor = (at: World, permissions: Record<string, string>, repository = 'web') =>
  at.mint({ repositories: [repository], permissions })
const services = ['git-upload-pack', 'git-receive-pack'] as const
const basic = (user: string, password: string) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

const ask = async ({ github }: World, path: string, authorization?: string) => {
  const response = await fetch(github.url + path, { headers: authorization ? { authorization } : {} })
  return {
    status: response.status,
    challenge: response.headers.get('WWW-Authenticate'),
    text: await response.text(),
  }
}

test('a repository is cloned and pushed to, and the next clone sees what was pushed', async () => {
  const at = await world()
  const { git, address, commit } = await workplace(at)
  const token = await mintFor(at, { contents: 'write' })
  expect(await git('clone', address(token), 'one')).toMatchObject({ ok: true })
  await commit('one', 'new.txt', 'x'.repeat(2_000_000))
  expect(await git('-C', 'one', 'push', 'origin', 'main', 'main:topic')).toMatchObject({ ok: true })
  // GitHub serves the address without `.git` as well.
  expect(await git('clone', address(token, 'acme/web'), 'two')).toMatchObject({ ok: true })
  expect((await git('-C', 'two', 'ls-files')).stdout).toBe('README.md\nnew.txt\n')
  expect((await git('-C', 'two', 'branch', '-r')).stdout).toContain('origin/topic')
  const entry = at.ledger.find(token)!
  expect(entry.uses).toBeGreaterThanOrEqual(6)
  expect(entry.refusals).toBe(0)
})

test('repositories are apart', async () => {
  const at = await world()
  const { git, address, commit } = await workplace(at)
  const token = await at.mint({ permissions: { contents: 'write' } })
  await git('clone', address(token), 'web')
  await commit('web', 'new.txt', 'new')
  await git('-C', 'web', 'push')
  await git('clone', address(token, 'acme/docs.git'), 'docs')
  expect((await git('-C', 'docs', 'show', 'HEAD:README.md')).stdout).toBe('# docs\n')
  expect((await git('-C', 'docs', 'ls-files')).stdout).toBe('README.md\n')
})

test('reading does not allow pushing, and the repository stays as it was', async () => {
  const at = await world()
  const { git, address, commit } = await workplace(at)
  const token = await mintFor(at, { contents: 'read' })
  await git('clone', address(token), 'one')
  await commit('one', 'new.txt', 'new')
  const pushed = await git('-C', 'one', 'push')
  expect(pushed.ok).toBe(false)
  expect(pushed.stderr).toContain('Permission to acme/web.git denied')
  expect(at.ledger.find(token)!.refusals).toBe(1)
  await git('clone', address(token), 'two')
  expect((await git('-C', 'two', 'ls-files')).stdout).toBe('README.md\n')
})

test('a push that creates a workflow takes the permission for workflows', async () => {
  const at = await world()
  const { git, address, commit } = await workplace(at)
  const less = await mintFor(at, { contents: 'write' })
  const enough = await mintFor(at, { contents: 'write', workflows: 'write' })
  await git('clone', address(less), 'one')
  await git('-C', 'one', 'checkout', '-b', 'topic')
  await commit('one', '.github/workflows/ci.yml', 'on: push')
  const refused = await git('-C', 'one', 'push', 'origin', 'topic')
  expect(refused.ok).toBe(false)
  expect(refused.stderr).toContain('without `workflows` permission')
  expect(await git('-C', 'one', 'push', address(enough), 'topic')).toMatchObject({ ok: true })
  // What is there already may be built upon.
  await git('-C', 'one', 'commit', '--allow-empty', '-m', 'more')
  expect(await git('-C', 'one', 'push', 'origin', 'topic')).toMatchObject({ ok: true })
  expect(await git('-C', 'one', 'push', 'origin', ':topic')).toMatchObject({ ok: true })
})

test.each(services)('%s: who shows no token, or a dead one, is asked for one', async (service) => {
  const at = await world()
  const path = `/acme/web.git/info/refs?service=${service}`
  const dead = await mintFor(at, { contents: 'write' })
  await at.call('DELETE', '/installation/token', `token ${dead}`)
  const living = await mintFor(at, { contents: 'write' })
  for (const authorization of [
    undefined,
    basic('x-access-token', dead),
    basic('x-access-token', 'ghs_never_minted'),
    basic('x-access-token', ''),
    basic('someone', living),
    `Bearer ${living}`,
    'Basic %%%',
  ]) {
    const { status, challenge } = await ask(at, path, authorization)
    expect([authorization, status, challenge]).toEqual([authorization, 401, 'Basic realm="GitHub"'])
  }
  expect(at.ledger.find(dead)).toMatchObject({ uses: 0, refusals: 1 })
  expect((await ask(at, path, basic('x-access-token', living))).status).toBe(200)
})

test('every request is judged: a token that dies between two of them is refused at the second', async () => {
  const at = await world()
  const token = await mintFor(at, { contents: 'write' })
  const authorization = basic('x-access-token', token)
  expect((await ask(at, '/acme/web.git/info/refs?service=git-receive-pack', authorization)).status).toBe(200)
  await at.call('DELETE', '/installation/token', `token ${token}`)
  const response = await fetch(`${at.github.url}/acme/web.git/git-receive-pack`, {
    method: 'POST',
    headers: { authorization },
    body: '0000',
  })
  expect(response.status).toBe(401)
})

test.each(services)("%s: a repository that is not the token's does not exist for it", async (service) => {
  const at = await world()
  const token = await mintFor(at, { contents: 'write' })
  for (const repository of ['acme/docs', 'acme/none', 'globex/web', 'acme/..', 'acme/%2e%2e'])
    expect(
      (await ask(at, `/${repository}.git/info/refs?service=${service}`, basic('x-access-token', token)))
        .status,
    ).toBe(404)
  at.github.settings.repositories = ['docs']
  expect(
    (await ask(at, `/acme/web.git/info/refs?service=${service}`, basic('x-access-token', token))).status,
  ).toBe(404)
})

test.each(services)(
  "%s: a suspended installation's token, or one without contents, is forbidden",
  async (service) => {
    const at = await world()
    const path = `/acme/web.git/info/refs?service=${service}`
    const other = await ask(at, path, basic('x-access-token', await mintFor(at, { issues: 'write' })))
    expect([other.status, other.text]).toEqual([403, 'Write access to repository not granted.\n'])
    const token = await mintFor(at, { contents: 'write' })
    at.github.suspend()
    expect((await ask(at, path, basic('x-access-token', token))).status).toBe(403)
  },
)

test.each([
  '/acme/web.git/info/refs',
  '/acme/web.git/info/refs?service=git-upload-archive',
  '/acme/web.git/info/refs?service=constructor',
])('%s: the protocol without a service is not served', async (path) => {
  const at = await world()
  expect(
    (await ask(at, path, basic('x-access-token', await mintFor(at, { contents: 'write' })))).status,
  ).toBe(403)
})

test.each(['HEAD', 'config', 'objects/info/packs', 'git-upload-archive'])(
  'the file %s is not served',
  async (file) => {
    const at = await world()
    const token = await mintFor(at, { contents: 'write' })
    expect((await ask(at, `/acme/web.git/${file}`, basic('x-access-token', token))).status).toBe(404)
  },
)

test('closing leaves nothing behind', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-git-test-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const at = await world()
  const { git, address } = await workplace(at)
  vi.stubEnv('TMPDIR', folder)
  onTestFinished(() => void vi.unstubAllEnvs())
  await git('clone', address(await mintFor(at, { contents: 'read' })), 'one')
  expect(await readdir(folder)).toHaveLength(1)
  await at.github.close()
  expect(await readdir(folder)).toEqual([])
})
