/** The programs that run a command for a secret, each as it runs it, and as it reads what comes. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Answer } from '../support/broker.ts'
import { aws, everyUpstream, permissive, vaultToken } from '../support/every-upstream.ts'
import { cliMain, mayfly, startMayfly, surroundings } from '../support/mayfly.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker({ settings: (sandbox) => everyUpstream(sandbox), files: permissive })
const github = 'github:acme/web:contents=read,packages=write'

let task: Answer['body']
let env: Record<string, string>
beforeAll(async () => {
  const web = {
    type: 'github',
    repositories: ['acme/web'],
    permissions: { contents: 'read', packages: 'write' },
  }
  task = (await broker.open({ authorization_details: [web, aws, vaultToken], ttl: 300 })).body
  env = {
    ...surroundings(),
    MAYFLY_URL: broker.url,
    MAYFLY_TASK: task.id,
    MAYFLY_TASK_TOKEN: task.task_token,
  }
})

const run = promisify(execFile)
const quoted = (words: readonly string[]) => words.map((word) => `'${word}'`).join(' ')
const token = (scope: string, ...more: string[]) => [
  process.execPath,
  cliMain,
  'token',
  '--scope',
  scope,
  ...more,
]
/** As a line that a shell runs. */
const shell = async (words: readonly string[]) => (await run('sh', ['-c', quoted(words)], { env })).stdout
/** As words, without a shell. */
const words = async ([command, ...args]: string[]) => (await run(command!, args, { env })).stdout
const withinTask = (time: string) => {
  expect(Date.parse(time)).toBeLessThanOrEqual(Date.parse(task.expires_at))
  expect(Date.parse(time)).toBeGreaterThan(Date.now())
}
/** One secret, and nothing that a reader would have to cut off but the end of the line. */
const oneSecret = async (printed: string) => {
  expect(printed).toMatch(/^ghs_[\w.-]+\n$/)
  expect(await broker.use(printed.trim())).toBe(200)
}

describe.concurrent('each contract', () => {
  test('nono’s `cmd://`: a command in words, whose stdout is the secret', async () => {
    await oneSecret(await words(token(github)))
  })

  test('nono’s form with an expiry', async () => {
    const {
      version,
      token: secret,
      expires_at,
      ...more
    } = JSON.parse(await words(token(github, '--format', 'json')))
    expect({ version, more }).toEqual({ version: 1, more: {} })
    expect(await broker.use(secret)).toBe(200)
    withinTask(expires_at)
  })

  test('Docker’s `sbx secret set NAME --command`: a line for a shell', async () => {
    await oneSecret(await shell(token(github)))
  })

  test('`apiKeyHelper`: a line for a shell, run again for each that is to follow', async () => {
    const printed = await Promise.all([1, 2].map(() => shell(token(github, '--format', 'raw'))))
    for (const each of printed) await oneSecret(each)
  })

  test('`headersHelper`: a JSON object of headers, each of them text', async () => {
    const headers = JSON.parse(await shell(token(github, '--format', 'headers')))
    expect(Object.entries(headers)).toEqual([['Authorization', expect.stringMatching(/^Bearer ghs_/)]])
    const { status } = await fetch(`${broker.sandbox.github.url}/repos/acme/web`, { headers })
    expect(status).toBe(200)
  })

  test('`awsCredentialExport`, which reads what `aws configure export-credentials` prints', async () => {
    const printed = JSON.parse(await shell(token(`aws:${aws.role_arn}`, '--format', 'aws')))
    expect(printed).toEqual({
      Version: 1,
      AccessKeyId: expect.stringMatching(/^ASIA/),
      SecretAccessKey: expect.any(String),
      SessionToken: expect.any(String),
      Expiration: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    })
    withinTask(printed.Expiration)
  })

  test('git’s helper of one line, which is told that nothing of it is to be kept', async () => {
    const answered = await shell(token(github, '--format', 'git'))
    const lines = answered.trim().split('\n')
    expect(lines).toEqual([
      'capability[]=authtype',
      'username=x-access-token',
      expect.stringMatching(/^password=ghs_/),
      expect.stringMatching(/^password_expiry_utc=\d+$/),
      'ephemeral=1',
    ])
    withinTask(new Date(Number(lines[3]!.split('=')[1]) * 1000).toISOString())
  })

  test.each([
    ['raw', 'ghs_'],
    ['json', '"expires_at"'],
    ['exec', '"expirationTimestamp"'],
    ['git', 'password_expiry_utc='],
    ['headers', 'Bearer'],
  ])('what is refused prints nothing on stdout as %s, and fails', async (format, never) => {
    const outside = token('github:acme/docs:contents=write', '--format', format)
    const failed = await shell(outside).then(
      () => undefined,
      (error: { code: number; stdout: string; stderr: string }) => error,
    )
    expect(failed).toMatchObject({ code: 1, stdout: '' })
    expect(failed!.stderr).toContain('out_of_scope')
    expect(failed!.stderr).not.toContain(never)
  })
})

test('Docker’s helper is on PATH in a run, and gives what the run keeps', async () => {
  const helper = `printf https://ghcr.io | docker-credential-mayfly get; mayfly token --scope ${github}
docker-credential-mayfly list; echo docker.io | docker-credential-mayfly get`
  const line = ['run', '--purpose', 'a test', '--scope', github, '--', 'sh', '-c', helper]
  const { status, stdout } = await mayfly(line, {
    MAYFLY_URL: broker.url,
    MAYFLY_TOKEN: await broker.workload(),
  })
  const [answered = '', kept, list, ...refused] = stdout.split('\n')
  expect(JSON.parse(answered)).toEqual({
    ServerURL: 'https://ghcr.io',
    Username: 'x-access-token',
    Secret: kept,
  })
  expect(list).toBe('{"ghcr.io":"x-access-token"}')
  expect({ status, refused }).toEqual({
    status: 1,
    refused: ['credentials not found in native keychain', ''],
  })
})

test('outside any task it says so on stdout, which Docker shows', async () => {
  const running = startMayfly(['docker-credential', 'get'], { MAYFLY_URL: broker.url })
  running.process.stdin!.end('ghcr.io')
  expect(await running.ended).toMatchObject({ status: 1, stdout: 'docker runs outside any task\n' })
})

describe('the secrets webhook of a run', () => {
  /** OpenHands' `LookupSecret`: a GET with its headers, whose body is the secret; a status of an error is one. */
  const lookUp = `
const { MAYFLY_SECRETS_URL: url, MAYFLY_SECRETS_TOKEN: token } = process.env
const ask = async (query, headers = { 'X-Access-Token': token }, more = {}) => {
  const answer = await fetch(url + query, { headers, ...more })
  return [answer.status, answer.headers.get('content-type'), await answer.text()]
}
const scope = (text) => '?scope=' + encodeURIComponent(text)
console.log(JSON.stringify(await Promise.all([
  ask(scope(process.argv[1])), ask(scope(process.argv[1])), ask(scope(process.argv[2])), ask(scope(process.argv[3])),
  ask(''), ask(scope('github:acme/docs:contents=read')), ask(scope(process.argv[1]), {}),
  ask(scope(process.argv[1]), { 'X-Access-Token': token + 'x' }), ask(scope(process.argv[1]), undefined, { method: 'POST' }),
  ask('/other' + scope(process.argv[1])),
])))`

  test('gives each secret of the scope to who shows its token, and nothing else', async () => {
    const scopes = [github, 'vault:policies=ci-read', `aws:${aws.role_arn}`]
    const asked = scopes.flatMap((scope) => ['--scope', scope])
    const line = ['run', '--purpose', 'a test', '--secrets-webhook', ...asked, '--']
    const { status, stdout, stderr } = await mayfly(
      [...line, process.execPath, '--input-type=module', '-e', lookUp, ...scopes],
      { MAYFLY_URL: broker.url, MAYFLY_TOKEN: await broker.workload() },
    )
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const [first, again, vault, parts, unnamed, unknown, ...refused] = JSON.parse(stdout)
    expect(first).toEqual([200, 'text/plain; charset=utf-8', expect.stringMatching(/^ghs_[\w.-]+$/)])
    expect(again).toEqual(first)
    expect(vault).toEqual([200, 'text/plain; charset=utf-8', expect.stringMatching(/^hvs\.\S+$/)])
    expect(parts).toEqual([422, 'application/json', expect.stringContaining('several parts')])
    expect(unnamed).toEqual([404, 'application/json', expect.stringContaining('vault:policies=ci-read')])
    expect(unknown[0]).toBe(404)
    expect(refused.map(([answered]: [number]) => answered)).toEqual([401, 401, 404, 404])
    expect(await broker.use(first[2])).toBe(401)
  })

  test('is not there where nobody has asked for it, nor is that of a run around this one', async () => {
    const { stdout } = await mayfly(
      ['run', '--purpose', 'a test', '--scope', github, '--', 'sh', '-c', 'env | grep -c MAYFLY_SECRETS'],
      {
        MAYFLY_URL: broker.url,
        MAYFLY_TOKEN: await broker.workload(),
        MAYFLY_SECRETS_URL: 'http://127.0.0.1:1/secrets',
        MAYFLY_SECRETS_TOKEN: 'x',
      },
    )
    expect(stdout).toBe('0\n')
  })
})
