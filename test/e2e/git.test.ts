/** Real git, real pushes: nothing configured, nothing left behind, and nothing that works afterwards. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { mayfly, type Outcome, startMayfly } from '../support/mayfly.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker({ settings: { limits: { live_leases: { task: 3, agent: 500 } } } })
const { github, ledger } = broker.sandbox

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'mayfly-git-test-'))
  onTestFinished(() => rm(home, { recursive: true, force: true }))
})

const environment = async () => ({
  HOME: home,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@example.com',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@example.com',
  GIT_TERMINAL_PROMPT: '0',
  REMOTE: github.url,
  MAYFLY_URL: broker.url,
  MAYFLY_TOKEN: await broker.workload(),
})

const commandLine = (scopes: string[], script: string) => [
  'run',
  '--purpose',
  'a test',
  '--git-host',
  github.url,
  ...scopes.flatMap((scope) => ['--scope', `github:${scope}`]),
  '--',
  'sh',
  '-e',
  '-c',
  `cd "$HOME"\n${script}`,
]
const run = async (scopes: string[], script: string): Promise<Outcome> =>
  await mayfly(commandLine(scopes, script), await environment())

/** The tokens minted by `work`. */
const mintedBy = async (work: () => Promise<unknown>) => {
  const before = ledger.entries.length
  await work()
  return ledger.entries.slice(before)
}

const push = `git clone -q "$REMOTE/acme/web.git" web
cd web
echo new > new.txt
git add . && git commit -q -m 'a change'
git push -q origin HEAD:refs/heads/topic`

test('a clone and a push work with nothing configured, and afterwards no token of theirs does', async () => {
  const minted = await mintedBy(async () => {
    expect(await run(['acme/web:contents=write'], push)).toEqual({ status: 0, stdout: '', stderr: '' })
  })
  expect(await readdir(home)).toEqual(['web'])
  // One for gh, the clone and the push.
  expect(minted).toHaveLength(1)
  for (const { secret, revokedAt } of minted) {
    expect(revokedAt).toBeDefined()
    expect(await broker.use(secret)).toBe(401)
    const basic = Buffer.from(`x-access-token:${secret}`).toString('base64')
    const again = await fetch(`${github.url}/acme/web.git/info/refs?service=git-upload-pack`, {
      headers: { Authorization: `Basic ${basic}` },
    })
    expect(again.status).toBe(401)
  }
  // It has arrived.
  const { stdout } = await run(['acme/web:contents=read'], 'git ls-remote "$REMOTE/acme/web.git" topic')
  expect(stdout).toMatch(/^[0-9a-f]{40}\trefs\/heads\/topic\n$/)
})

test("git's token is for the one repository and its contents, whatever else the task may do", async () => {
  const minted = await mintedBy(() =>
    run(
      ['acme/docs+acme/infra:contents=read,issues=read', 'acme/web:contents=write,pull_requests=write'],
      'git clone -q "$REMOTE/acme/Docs.git"; git clone -q "$REMOTE/acme/web"',
    ),
  )
  const scope = (repository: string, contents: string) => ({
    installation_id: expect.any(Number),
    repositories: [repository],
    permissions: { contents, metadata: 'read' },
  })
  const used = minted.filter(({ uses }) => uses > 0)
  expect(used.map((entry) => entry.scope)).toEqual([scope('acme/docs', 'read'), scope('acme/web', 'write')])
})

test('a repository outside the scope is refused at once: no other helper, nobody to ask', async () => {
  await writeFile(join(home, '.gitconfig'), '[credential]\nhelper = "!f() { echo asked > asked; }; f"\n')
  const { status, stderr } = await run(
    ['acme/web:contents=read'],
    'git clone -q "$REMOTE/acme/infra.git" || exit 7',
  )
  expect(status).toBe(7)
  expect(stderr).toContain('acme/infra is not within the scope of this task')
  expect(stderr).toContain('told us to quit')
  expect(await readdir(home)).toEqual(['.gitconfig'])
})

test('a scope to read does not push', async () => {
  const { status, stderr } = await run(['acme/web:contents=read'], push)
  expect(status).not.toBe(0)
  expect(stderr).toContain('Permission to acme/web.git denied')
})

test("a job's own token that a checkout has left in the repository is not used", async () => {
  const stale = Buffer.from('x-access-token:ghs_of_the_job').toString('base64')
  const { status, stderr } = await run(
    ['acme/web:contents=write'],
    `git init -q web && cd web
git config "http.$REMOTE/.extraheader" "AUTHORIZATION: basic ${stale}"
git fetch -q "$REMOTE/acme/web.git" main`,
  )
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
})

test('a token that a server has refused is given back at once', async () => {
  const refusal = github.faults.add({
    kind: 'status',
    status: 401,
    headers: { 'WWW-Authenticate': 'Basic realm="GitHub"' },
    on: ({ path }) => path.endsWith('/info/refs'),
  })
  onTestFinished(() => refusal.clear())
  const minted = await mintedBy(async () => {
    const running = startMayfly(
      commandLine(
        ['acme/web:contents=write,issues=read'],
        'git ls-remote "$REMOTE/acme/web.git" || echo refused; read go',
      ),
      await environment(),
    )
    await running.printed('refused')
    // The task still goes on.
    await expect.poll(() => ledger.entries.at(-1)?.revokedAt, { timeout: 15_000 }).toBeDefined()
    running.process.stdin!.end('\n')
    expect((await running.ended).status).toBe(0)
  })
  // The other is for gh, which may do more.
  expect(minted).toHaveLength(2)
})

test('interrupted in the middle, the task is completed and its tokens are dead', async () => {
  const minted = await mintedBy(async () => {
    const running = startMayfly(
      commandLine(
        ['acme/web:contents=write'],
        'git clone -q "$REMOTE/acme/web.git"; echo cloned; exec sleep 60',
      ),
      await environment(),
    )
    await running.printed('cloned')
    running.process.kill('SIGINT')
    expect(await running.ended).toMatchObject({ status: 130, stderr: '' })
  })
  expect(minted).toHaveLength(1)
  for (const { secret } of minted) expect(await broker.use(secret)).toBe(401)
})

test('as many calls of git as it takes, at once and one after another, of a task that may have few leases', async () => {
  const script = `for round in 1 2 3; do
  git ls-remote "$REMOTE/acme/web.git" main & git ls-remote "$REMOTE/acme/web.wiki.git" main & wait
done`
  const minted = await mintedBy(async () => {
    const { status, stdout, stderr } = await run(['acme/web:contents=read'], script)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout.match(/refs\/heads\/main$/gm)).toHaveLength(6)
  })
  expect(minted).toHaveLength(1)
})
