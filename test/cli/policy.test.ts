import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { writeConfiguration } from '../../src/sandbox/configuration.ts'
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts'
import { mayfly } from '../support/mayfly.ts'

let directory: string
let config: string
let issuer: string
/** The broker's url. */
const aud = 'http://127.0.0.1:8420'
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mayfly-policy-'))
  const sandbox: Sandbox = await startSandbox()
  issuer = sandbox.issuer.url
  const claims = `@id("not-from-pull-requests")
forbid (principal, action, resource)
when { principal.hasTag("event_name") && principal.getTag("event_name").contains("pull_request") };
`
  config = await writeConfiguration(directory, sandbox, 8420, { files: { 'policies/claims.cedar': claims } })
  const settings = parse(await readFile(config, 'utf8'))
  const role = { arn: 'arn:aws:iam::123456789012:role/deployer', class: 'deploy' }
  settings.providers.aws = [{ name: 'prod', region: 'eu-west-1', roles: [role] }]
  settings.providers.vault = [
    {
      name: 'main',
      address: 'https://vault.acme.example',
      auth: { token: { env: 'NOT_SET_ANYWHERE' } },
      paths: [{ path: 'database/creds/readonly', class: 'read', policies: ['db-readonly'] }],
    },
  ]
  await writeFile(config, stringify(settings))
  // Everything is off, and the secrets are gone: policies are looked at where neither is at hand.
  await sandbox.close()
  await rm(join(directory, 'seal.key'))
  await rm(join(directory, 'app.pem'))
})
afterAll(() => rm(directory, { recursive: true }))

const explain = (...args: string[]) =>
  mayfly(['policy', 'explain', '-c', config, '--agent', 'refactor-bot', ...args])
const check = async (expectations: unknown, ...args: string[]) => {
  const file = join(directory, 'expectations.yaml')
  await writeFile(file, stringify(expectations, { aliasDuplicateObjects: false }))
  return await mayfly(['policy', 'check', file, '-c', config, ...args])
}

describe('policy explain', () => {
  it('says policy by policy why something waits, without a broker or a secret', async () => {
    const { status, stdout } = await explain('--scope', 'github:acme/infra:contents=write')
    expect(status).toBe(0)
    expect(stdout).toContain('refactor-bot for 900 seconds: pending_approval, needs the yes of security')
    expect(stdout).toMatch(
      /^github\.contents\.write on GithubRepository::"acme\/infra".*: pending_approval$/m,
    )
    expect(stdout).toMatch(/^ {2}permitted by +refactor-bot-works-on-acme$/m)
    expect(stdout).toMatch(/^ {2}approval asked by +infra-needs-security: .+ \(security\)$/m)
    expect(stdout).toMatch(/^ {2}not matching .*docs-are-read-only/m)
  })

  it('knows the scopes of every provider, without their secrets', async () => {
    const scopes = ['aws:arn:aws:iam::123456789012:role/deployer', 'vault:database/creds/readonly']
    const { status, stdout } = await explain(...scopes.flatMap((scope) => ['--scope', scope]), '--json')
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      decision: 'denied',
      requests: [
        { action: 'aws.assume_role.deploy', permitted_by: [] },
        { action: 'vault.read.read', permitted_by: [] },
      ],
    })
  })

  it('takes an approval, a ttl and what is held into account', async () => {
    const infra = ['--scope', 'github:acme/infra:contents=write', '--json']
    const given = JSON.parse((await explain(...infra, '--approved', 'security')).stdout)
    expect(given).toMatchObject({ decision: 'allowed', ttl: 900, owner: 'linus@acme.dev' })
    expect(given.requests[0]).toMatchObject({
      permitted_by: ['refactor-bot-works-on-acme'],
      approval_given_to: [{ policy: 'infra-needs-security', group: 'security' }],
    })
    const long = await explain('--scope', 'github:acme/web:contents=read', '--ttl', '3601')
    expect(long).toMatchObject({ status: 1, stdout: '' })
    expect(long.stderr).toContain('at most 3600 seconds')
    expect(await explain(...infra, '--held', 'everything')).toMatchObject({ status: 2 })
  })

  it('names the forbid that denies, in JSON too', async () => {
    const { status, stdout } = await explain('--scope', 'github:acme/docs:contents=write', '--json')
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      decision: 'denied',
      denials: [{ action: 'github.contents.write', policies: ['docs-are-read-only'] }],
      requests: [
        { outcome: 'denied', forbidden_by: ['docs-are-read-only'], approvals: [] },
        { outcome: 'allowed', implied: true },
      ],
    })
  })

  it("reads the token's claims from a file, and says what it was not given", async () => {
    const scope = ['--scope', 'github:acme/web:contents=read']
    const claims = join(directory, 'claims.json')
    await writeFile(claims, JSON.stringify({ sub: 'repo:acme/web', event_name: 'pull_request' }))
    const { stdout } = await explain(...scope, '--claims', claims)
    expect(stdout).toMatch(/^ {2}forbidden by +not-from-pull-requests$/m)
    expect((await explain(...scope)).stdout).toContain(
      'note: its policies read claims that were not given: event_name',
    )
    await writeFile(claims, '[]')
    expect(await explain(...scope, '--claims', claims)).toMatchObject({ status: 1 })
  })

  it('claims that no rule lets in are not allowed anything: the first that differs is shown', async () => {
    const claims = join(directory, 'stranger.json')
    const sub = 'repo:acme/web:environment:publish'
    await writeFile(claims, JSON.stringify({ sub, repository_id: '123', ref: 'refs/heads/main' }))
    const scope = ['--scope', 'github:acme/web:contents=read', '--claims', claims]
    const { status, stdout } = await explain(...scope, '--json')
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      decision: 'denied',
      code: 'unknown_agent',
      nearest: { agent: 'refactor-bot', rule: 'match[0]', claim: 'sub', found: [sub] },
    })
    expect((await explain(...scope)).stdout).toContain(
      `note: matches no rule of refactor-bot; in the nearest, match[0], \`sub\` is to be repo:acme/web:ref:refs/heads/main, and is ${sub}`,
    )
  })

  it('a token says itself which agent it is, and needs all that the rule asks for', async () => {
    const now = Math.floor(Date.now() / 1000)
    const token = (claims: object) =>
      [
        '{"alg":"RS256"}',
        JSON.stringify({ iss: issuer, aud, iat: now, exp: now + 300, ...claims }),
        'unchecked',
      ]
        .map((part) => Buffer.from(part).toString('base64url'))
        .join('.')
    const file = join(directory, 'job.token')
    const decided = async (claims: object) => {
      await writeFile(file, token(claims))
      const args = [
        'policy',
        'explain',
        '-c',
        config,
        '--token',
        file,
        '--scope',
        'github:acme/web:contents=read',
      ]
      return JSON.parse((await mayfly([...args, '--json'])).stdout)
    }
    const sub = 'repo:acme/web:ref:refs/heads/main'
    expect(await decided({ sub, repository_id: '123' })).toMatchObject({
      decision: 'allowed',
      agent: 'refactor-bot',
    })
    expect(await decided({ sub })).toMatchObject({
      decision: 'denied',
      nearest: { claim: 'repository_id', found: [] },
    })
    const whole = { sub, repository_id: '123' }
    for (const [refused, why] of [
      [{ ...whole, aud: 'https://elsewhere.example' }, `expects ${aud}`],
      [{ ...whole, exp: now - 1 }, 'it has expired'],
      [{ ...whole, iat: now - 86_400 }, 'older than `max_age`'],
    ] as const)
      expect(await decided(refused)).toMatchObject({
        decision: 'denied',
        code: 'invalid_token',
        notes: expect.arrayContaining([expect.stringContaining(why)]),
      })
  })

  it('an agent that is not there is told with the nearest that is', async () => {
    const args = [
      'policy',
      'explain',
      '-c',
      config,
      '--agent',
      'refactor-bit',
      '--scope',
      'github:acme/web:contents=read',
    ]
    const { status, stderr } = await mayfly(args)
    expect(status).toBe(1)
    expect(stderr).toBe('mayfly: there is no agent refactor-bit\n  Did you mean `refactor-bot`?\n')
  })

  it('policies with faults are told as that', async () => {
    const broken = join(directory, 'policies/broken.cedar')
    await writeFile(broken, 'permit (principal, action, resource);')
    const { status, stderr } = await explain('--scope', 'github:acme/web:contents=read')
    await rm(broken)
    expect(status).toBe(1)
    expect(stderr).toContain('the policy has no @id')
  })
})

describe('policy check', () => {
  const web = { agent: 'refactor-bot', scope: ['github:acme/web:contents=write'], expect: 'allowed' }
  const infra = {
    agent: 'refactor-bot',
    scope: [{ type: 'github', repositories: ['acme/infra'], permissions: { contents: 'write' } }],
    expect: 'pending_approval',
  }

  it('expectations that hold exit with 0', async () => {
    const { status, stdout } = await check([
      { ...web, policies: ['refactor-bot-works-on-acme'] },
      { ...infra, approvals: ['security'], policies: ['infra-needs-security'] },
      { ...infra, approved: ['security'], expect: 'allowed' },
      {
        ...web,
        claims: { event_name: ['pull_request'] },
        expect: 'denied',
        policies: ['not-from-pull-requests'],
      },
      { ...web, scope: ['github:acme/web:administration=write'], expect: 'denied', policies: [] },
    ])
    expect({ status, stdout }).toEqual({ status: 0, stdout: '5 of 5 expectations hold\n' })
  })

  it('every one that does not hold is reported with its explanation, and exits with 1', async () => {
    const { status, stdout } = await check([
      { ...web, name: 'web is open', expect: 'denied' },
      web,
      { ...infra, name: 'legal too', approvals: ['security', 'legal'] },
      { ...web, name: 'by another', policies: ['nobody-wrote-this'] },
      { ...web, name: 'by none', policies: [] },
      { ...web, name: 'whose', agent: 'nobody' },
    ])
    expect(status).toBe(1)
    expect(stdout).toContain('web is open: it is allowed, not denied\n')
    expect(stdout).toMatch(/^ {4}permitted by +refactor-bot-works-on-acme$/m)
    expect(stdout).toContain('legal too: it needs the yes of security, not of security, legal\n')
    expect(stdout).toContain(
      'by another: nobody-wrote-this did not decide it, but refactor-bot-works-on-acme\n',
    )
    expect(stdout).toContain('by none: refactor-bot-works-on-acme decided it, not no policy\n')
    expect(stdout).toContain('whose: it cannot be asked: there is no agent nobody\n')
    expect(stdout).toMatch(/^1 of 6 expectations hold$/m)
  })

  it('answers with --json in one object', async () => {
    const { status, stdout } = await check([web, { ...web, name: 'no', expect: 'denied' }], '--json')
    expect(status).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({
      passed: 1,
      failed: 1,
      expectations: [
        { name: 'expectation 1', ok: true, decision: 'allowed', differences: [] },
        { name: 'no', ok: false, decision: 'allowed', requests: [expect.anything(), expect.anything()] },
      ],
    })
  })

  it('a file with faults is told as that: where, what, and what to do', async () => {
    const { status, stdout, stderr } = await check([{ ...web, expected: 'allowed' }])
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toMatch(
      /expectations\.yaml:\d+:\d+: \[0\]\.expected: is not a known key\n {2}Did you mean `expect`\?\n$/,
    )
  })

  it('a file that is not there is told as that', async () => {
    const { status, stderr } = await mayfly(['policy', 'check', join(directory, 'none.yaml'), '-c', config])
    expect(status).toBe(1)
    expect(stderr).toContain('does not exist')
  })
})
