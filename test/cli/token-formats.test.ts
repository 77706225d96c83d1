/** `mayfly token --format`: what each kind of tool reads, used as the tool would. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { beforeAll, expect, test } from 'vitest'
import type { MintedCredential } from '../../src/client/client.ts'
import { formatNames, inFormat } from '../../src/client/formats.ts'
import { aws, everyUpstream, permissive, vaultSecret, vaultToken } from '../support/every-upstream.ts'
import { type Answer, writeWeb } from '../support/broker.ts'
import { mayfly, surroundings } from '../support/mayfly.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker({ settings: (sandbox) => everyUpstream(sandbox), files: permissive })
const scopes = {
  github: 'github:acme/web:contents=write',
  aws: `aws:${aws.role_arn}`,
  vault: 'vault:policies=ci-read',
  database: 'vault:database/creds/readonly',
}

let task: Answer['body']
let env: Record<string, string>
beforeAll(async () => {
  const authorization_details = [writeWeb, aws, vaultToken, vaultSecret]
  task = (await broker.open({ authorization_details, ttl: 300 })).body
  env = { MAYFLY_URL: broker.url, MAYFLY_TASK: task.id, MAYFLY_TASK_TOKEN: task.task_token }
})

const run = (scope: keyof typeof scopes, ...args: string[]) =>
  mayfly(['token', '--scope', scopes[scope], ...args], env)
const printed = async (scope: keyof typeof scopes, format: string) => {
  const { status, stdout, stderr } = await run(scope, '--format', format)
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return stdout
}
/** Not later than the task, and not so early that nothing could be done with it. */
const expectWithinTask = (time: string) => {
  expect(Date.parse(time)).toBeLessThanOrEqual(Date.parse(task.expires_at))
  expect(Date.parse(time)).toBeGreaterThan(Date.now())
}

test('raw is the secret alone, for whatever has one', async () => {
  expect(await printed('github', 'raw')).toMatch(/^ghs_\S+\n$/)
  expect(await printed('vault', 'raw')).toMatch(/^hvs\.\S+\n$/)
})

test('json says what it is good for, and until when', async () => {
  const { version, token, expires_at, ...more } = JSON.parse(await printed('github', 'json'))
  expect({ version, more }).toEqual({ version: 1, more: {} })
  expect(await broker.use(token)).toBe(200)
  expectWithinTask(expires_at)
})

test('exec is what kubectl takes of a credential plugin', async () => {
  const answered = JSON.parse(await printed('vault', 'exec'))
  expect(answered).toEqual({
    apiVersion: 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    status: {
      token: expect.stringMatching(/^hvs\./),
      expirationTimestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    },
  })
  expectWithinTask(answered.status.expirationTimestamp)
})

test('aws is what credential_process prints, and works', async () => {
  const { Version, Expiration, AccessKeyId, SecretAccessKey, SessionToken, ...more } = JSON.parse(
    await printed('aws', 'aws'),
  )
  expect({ Version, more }).toEqual({ Version: 1, more: {} })
  expectWithinTask(Expiration)
  const { endpoints, region } = broker.sandbox.aws
  const credentials = {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: SessionToken,
  }
  const sts = new STSClient({ region, endpoint: endpoints.sts, credentials, maxAttempts: 1 })
  expect((await sts.send(new GetCallerIdentityCommand({}))).Arn).toContain('assumed-role/deployer/')
})

test('git takes it of a helper, and is told not to keep it', async () => {
  const answered = await printed('github', 'git')
  const lines = Object.fromEntries(
    answered
      .trim()
      .split('\n')
      .map((line) => line.split(/=(.*)/s)),
  )
  expect(lines).toMatchObject({ username: 'x-access-token', ephemeral: '1' })
  expectWithinTask(new Date(Number(lines['password_expiry_utc']) * 1000).toISOString())
  const asked = ['-c', 'credential.helper=', '-c', `credential.helper=!printf '%s' '${answered}' #`]
  const running = promisify(execFile)('git', [...asked, 'credential', 'fill'], {
    env: { ...surroundings(), GIT_TERMINAL_PROMPT: '0' },
  })
  running.child.stdin!.end('protocol=https\nhost=github.com\n\n')
  expect((await running).stdout).toContain(`password=${lines['password']}\n`)
})

test('headers are those of a request', async () => {
  expect(JSON.parse(await printed('github', 'headers'))).toEqual({
    Authorization: expect.stringMatching(/^Bearer ghs_/),
  })
})

test.each([
  ['aws', 'git'],
  ['github', 'aws'],
] as const)(
  'a credential of %s has no format %s: it is refused, and nothing of it stays',
  async (scope, format) => {
    const before = await live()
    const { status, stdout, stderr } = await run(scope, '--format', format)
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toContain('--json')
    expect(await live()).toBe(before)
  },
)

test('no format makes one thing of several parts, nor git’s login of what is not GitHub’s', () => {
  const pair = { username: 'v-1', password: 'p' }
  for (const format of formatNames) expect(inFormat(format, minted('vault', pair))).toBeUndefined()
  expect(inFormat('git', minted('vault', { token: 'hvs.1' }))).toBeUndefined()
})

test('another format, and a format beside --json, are wrong usage', async () => {
  expect((await run('github', '--format', 'yaml')).status).toBe(2)
  expect((await run('github', '--format', 'git', '--json')).status).toBe(2)
})

test('what ends first is when it expires, the task or the credential', () => {
  const expires = (upstream: string | null) =>
    JSON.parse(inFormat('json', minted('github', { token: 'ghs_1' }, upstream))!).expires_at
  expect(expires(null)).toBe('2026-01-01T00:10:00.900Z')
  expect(expires('2026-01-01T01:00:00.000Z')).toBe('2026-01-01T00:10:00.900Z')
  expect(expires('2026-01-01T00:05:00.000Z')).toBe('2026-01-01T00:05:00.000Z')
  expect(inFormat('exec', minted('github', { token: 'ghs_1' }))).toContain('"2026-01-01T00:10:00Z"')
})

function minted(provider: string, credential: Record<string, string>, upstream: string | null = null) {
  const lease = { provider, deadline: '2026-01-01T00:10:00.900Z', upstream_expires_at: upstream }
  return { lease, credential } as unknown as MintedCredential
}

const live = async () =>
  (await broker.read(task)).body.leases.filter(({ status }: { status: string }) => status === 'active').length
