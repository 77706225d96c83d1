/** `mayfly import octo-sts`: checkouts in, agents and policies out, and the broker that they make. */
import { existsSync, readFileSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { startTestBroker } from '../support/broker.ts'
import { mayfly } from '../support/mayfly.ts'
import { stsExchange } from '../support/sts.ts'
import { actions, type TrustPolicy } from '../support/trust-policies.ts'

async function folder(files: Record<string, string | TrustPolicy> = {}): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'mayfly-import-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true })
    await writeFile(join(path, name), typeof content === 'string' ? content : stringify(content))
  }
  return path
}

const chainguard = '.github/chainguard'
const sound: TrustPolicy = {
  issuer: actions,
  subject: 'repo:acme/web:ref:refs/heads/main',
  permissions: { contents: 'write' },
}

async function importFrom(files: Record<string, string | TrustPolicy>, ...args: string[]) {
  const [from, to] = [await folder(files), join(await folder(), 'out')]
  const outcome = await mayfly(['import', 'octo-sts', from, '-o', to, '--json', ...args])
  return {
    ...outcome,
    to,
    answer: outcome.stdout === '' ? undefined : JSON.parse(outcome.stdout),
    agent: (name: string) => parse(readFileSync(join(to, `agents/${name}.yaml`), 'utf8')),
  }
}

test('a policy becomes an agent and a Cedar policy, with the issuer that they need', async () => {
  const { status, answer, agent, to } = await importFrom({
    [`acme/web/${chainguard}/release.sts.yaml`]: sound,
  })
  expect(status).toBe(0)
  expect(answer).toMatchObject({
    files: ['agents/release.yaml', 'policies/release.cedar', 'issuers.yaml'],
    imported: [{ agent: 'release', scope: 'acme/web', identity: 'release', narrowed: [] }],
    listed: [],
  })
  expect(agent('release')).toMatchObject({
    owner: null,
    match: [{ issuer: 'github-actions', subject: sound.subject, strict_claims: true }],
    sts: {
      scope: 'acme/web',
      identity: 'release',
      authorization_detail: {
        type: 'github',
        repositories: ['acme/web'],
        permissions: { contents: 'write' },
      },
    },
  })
  expect(readFileSync(join(to, 'policies/release.cedar'), 'utf8')).toContain('github.contents.write')
  expect(parse(readFileSync(join(to, 'issuers.yaml'), 'utf8'))).toEqual({
    'github-actions': { preset: 'github-actions' },
  })
})

test('what cannot be said is listed with its reason, the rest imported, and the status says so', async () => {
  const { status, answer, to } = await importFrom({
    [`acme/web/${chainguard}/release.sts.yaml`]: sound,
    [`acme/web/${chainguard}/tags.sts.yaml`]: {
      ...sound,
      subject: undefined as never,
      subject_pattern: 'repo:acme/web:ref:refs/tags/v[0-9]+',
    },
    [`acme/web/${chainguard}/broken.sts.yaml`]: 'issuer: [',
  })
  expect(status).toBe(1)
  expect(answer.imported).toMatchObject([{ agent: 'release' }])
  expect(answer.listed).toMatchObject([
    { file: expect.stringContaining('broken') },
    { file: expect.stringContaining('tags'), reason: expect.stringContaining('[0-9]+') },
  ])
  expect(await readdir(join(to, 'agents'))).toEqual(['release.yaml'])
})

test('policies of one name get the repository, and where need be the owner, before it', async () => {
  const { answer } = await importFrom({
    [`acme/web/${chainguard}/release.sts.yaml`]: sound,
    [`acme/api/${chainguard}/release.sts.yaml`]: sound,
    [`beta/web/${chainguard}/release.sts.yaml`]: sound,
    [`beta/web/${chainguard}/other.sts.yaml`]: sound,
  })
  const names = answer.imported.map(({ scope, agent }: { scope: string; agent: string }) => [scope, agent])
  expect(Object.fromEntries(names)).toEqual({
    'acme/api': 'api-release',
    'acme/web': 'acme-web-release',
    'beta/web': 'beta-web-release',
  })
  expect(names).toContainEqual(['beta/web', 'other'])
})

test('an organization’s policy needs its repositories, and is asked for by the organization', async () => {
  const { status, answer, agent } = await importFrom({
    [`acme/.github/${chainguard}/some.sts.yaml`]: { ...sound, repositories: ['web', 'api'] },
    [`acme/.github/${chainguard}/all.sts.yaml`]: sound,
  })
  expect(status).toBe(1)
  expect(answer.listed).toMatchObject([{ reason: expect.stringContaining('every repository of acme') }])
  expect(agent('some').sts).toMatchObject({
    scope: 'acme',
    authorization_detail: { repositories: ['acme/web', 'acme/api'] },
  })
})

test.each([
  ['enforced', {}, []],
  ['only watched', { mode: 'audit' }, ['release']],
])('an organization’s list of trusted issuers that is %s counts', async (_how, mode, agents) => {
  const { answer } = await importFrom({
    [`acme/.github/${chainguard}/trusted-token-issuers.yaml`]: stringify({
      ...mode,
      issuers: ['https://gitlab.com'],
    }),
    [`acme/web/${chainguard}/release.sts.yaml`]: sound,
  })
  expect(answer.imported.map((each: { agent: string }) => each.agent)).toEqual(agents)
})

test.each([
  ['named', {}, ['--repository', 'acme/web'], 'acme/web'],
  ['git’s', { '.git/config': '[remote "origin"]\n\turl = git@github.com:acme/api.git\n' }, [], 'acme/api'],
])('a single checkout is of the repository that is %s', async (_how, git, args, scope) => {
  const { answer } = await importFrom({ [`${chainguard}/release.sts.yaml`]: sound, ...git }, ...args)
  expect(answer.imported).toMatchObject([{ scope }])
})

test('whose checkout it is, is never guessed', async () => {
  const { status, answer } = await importFrom({ [`${chainguard}/release.sts.yaml`]: sound })
  expect(status).toBe(1)
  expect(answer).toMatchObject({
    imported: [],
    listed: [{ reason: expect.stringContaining('--repository') }],
  })
})

test('where some name an audience, those that name none are imported only with the broker’s', async () => {
  const files = {
    [`acme/web/${chainguard}/release.sts.yaml`]: sound,
    [`acme/web/${chainguard}/other.sts.yaml`]: { ...sound, audience: 'elsewhere' },
  }
  expect((await importFrom(files)).answer.listed).toMatchObject([
    { reason: expect.stringContaining('--url') },
  ])
  const { status, agent } = await importFrom(files, '--url', 'https://mayfly.acme.dev')
  expect(status).toBe(0)
  expect(agent('release').match).toMatchObject([{ claims: { aud: ['mayfly.acme.dev'] } }])
  expect(agent('other').match).toMatchObject([{ claims: { aud: ['elsewhere'] } }])
})

test('no text of a policy gets out of the comment that tells of it', async () => {
  const { agent } = await importFrom({
    [`acme/web/${chainguard}/release.sts.yaml`]: {
      issuer: actions,
      subject_pattern: 'repo:acme/web:[^\nmatch: []#/]+',
      permissions: { contents: 'read' },
    },
  })
  expect(() => agent('release')).toThrow('ENOENT')
})

test('nothing that is there is overwritten', async () => {
  const from = await folder({ [`acme/web/${chainguard}/release.sts.yaml`]: sound })
  const to = await folder({ 'agents/release.yaml': 'mine' })
  const { status, stderr } = await mayfly(['import', 'octo-sts', from, '-o', to])
  expect({ status, stderr }).toMatchObject({ status: 1, stderr: expect.stringContaining('exist') })
  expect(existsSync(join(to, 'policies'))).toBe(false)
})

test.each([
  ['no directory', '/nowhere/at/all'],
  ['no policies', tmpdir()],
])('%s is said', async (_what, directory) => {
  const at = directory === tmpdir() ? await folder({ 'README.md': '' }) : directory
  expect(await mayfly(['import', 'octo-sts', at])).toMatchObject({ status: 1, stdout: '' })
})

test('a broker with what was imported gives octo-sts’ clients what they got before', async () => {
  await using broker = await startTestBroker()
  const from = await folder({
    [`acme/web/${chainguard}/release.sts.yaml`]: {
      issuer: broker.sandbox.issuer.url,
      subject_pattern: 'repo:acme/web:ref:refs/heads/(main|release/.+)',
      claim_pattern: { repository: 'acme/web' },
      permissions: { contents: 'read' },
    },
  })
  const to = join(await folder(), 'out')
  const args = ['import', 'octo-sts', from, '-o', to, '-c', broker.file, '--owner', 'ada@acme.dev', '--json']
  expect(await mayfly(args)).toMatchObject({ status: 0, stderr: '' })
  await cp(to, broker.directory, { recursive: true })
  await broker.stop()
  expect(await mayfly(['validate', '-c', broker.file])).toMatchObject({ status: 0 })
  await broker.start()
  const ask = (claims: Record<string, unknown>) =>
    stsExchange(broker, 'release', { claims: { repository: 'acme/web', ...claims } })
  const { status, body } = await ask({ sub: 'repo:acme/web:ref:refs/heads/release/1/2' })
  expect({ status, body }).toMatchObject({ status: 200, body: { refreshToken: '', expiry: null } })
  expect(await broker.use(body.token)).toBe(200)
  expect(await ask({ sub: 'repo:acme/web:ref:refs/heads/x' })).toMatchObject({
    status: 403,
    body: { code: 7 },
  })
  expect(await ask({ sub: 'repo:acme/web:ref:refs/heads/main', repository: ['acme/web'] })).toMatchObject({
    status: 403,
  })
})
