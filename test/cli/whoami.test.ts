/** `mayfly whoami`: which agent a token is, or why it is none. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { sandboxWorkload, writeConfiguration } from '../../src/sandbox/configuration.ts'
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts'
import { mayfly } from '../support/mayfly.ts'

const url = 'http://127.0.0.1:8420'
let directory: string
let config: string
let sandbox: Sandbox
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mayfly-whoami-'))
  sandbox = await startSandbox()
  config = await writeConfiguration(directory, sandbox, 8420)
})
afterAll(async () => {
  await sandbox.close()
  await rm(directory, { recursive: true })
})

async function whoami(claims: Record<string, unknown>, ...args: string[]) {
  const file = join(directory, 'token')
  await writeFile(file, await sandbox.issuer.token({ ...sandboxWorkload, aud: url, ...claims }))
  return await mayfly(['whoami', '-c', config, '--token-file', file, ...args])
}

it('an agent', async () => {
  const { status, stdout } = await whoami({}, '--json')
  expect(status).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    issuer: 'sandbox',
    subject: sandboxWorkload.sub,
    agents: ['refactor-bot'],
    nearest: null,
    signature: 'not checked',
  })
})

it('none, because a claim differs', async () => {
  const { status, stdout } = await whoami({ sub: 'repo:acme@65/web@123:ref:refs/heads/main' })
  expect(status).toBe(1)
  expect(stdout).toContain(
    '`sub` is to be repo:acme/web:ref:refs/heads/main, and is repo:acme@65/web@123:ref',
  )
  expect(stdout).toContain('a rule on `repository_id` matches both')
})

it.each([
  [
    { aud: 'https://else.test' },
    'audience  https://else.test: not for this broker, which expects http://127.0.0.1:8420',
  ],
  [{ exp: 1 }, 'age       it has expired'],
  [{ iss: 'https://evil.test' }, 'issuer    https://evil.test: not an issuer of the configuration'],
])('none that the broker takes: %j', async (claims, line) => {
  const { status, stdout } = await whoami(claims)
  expect(status).toBe(1)
  expect(stdout.split('\n')).toContain(line)
})

it('what is no token is told in one line, and not repeated', async () => {
  const file = join(directory, 'nonsense')
  await writeFile(file, 'a.secret')
  const { status, stderr } = await mayfly(['whoami', '-c', config, '--token-file', file])
  expect(status).toBe(1)
  expect(stderr).not.toContain('a.secret')
})
