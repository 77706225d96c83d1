/** A GitHub Actions job with `curl`: the README's words, and the example, as they stand. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import { sandboxWorkload } from '../../src/sandbox/configuration.ts'
import { mints } from '../support/github.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()
const { github, issuer, ledger } = broker.sandbox
const file = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/** What a runner gives a job, and nothing else of ours. */
function runner(claims: Record<string, unknown> = sandboxWorkload) {
  const { url, requestToken } = issuer.actions(claims)
  return {
    PATH: process.env['PATH'],
    ACTIONS_ID_TOKEN_REQUEST_URL: url,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: requestToken,
    GITHUB_API_URL: github.url,
    GITHUB_RUN_ID: '1234',
    GITHUB_REPOSITORY: 'acme/web',
    GITHUB_WORKFLOW: 'nightly',
    MAYFLY_URL: broker.url,
  }
}

const execute = promisify(execFile)
async function run(command: string, args: string[], env = runner()) {
  try {
    return { status: 0, ...(await execute(command, args, { env, timeout: 20_000 })) }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { status: code, stdout, stderr }
  }
}

const example = file('examples/github-actions/job.sh')
const job = (env = runner()) => run('bash', [example], env)

afterEach(() => {
  github.faults.clear()
  expect(ledger.alive()).toEqual([])
})

test("the README's snippet gets a token that works, and gives it back", async () => {
  const readme = await readFile(file('README.md'), 'utf8')
  const [, snippet] = /from a GitHub Actions job .*?```sh\n(.*?)```/s.exec(readme) ?? []
  const work =
    'curl -s -o /dev/null -w "%{http_code}\\n" -H "Authorization: Bearer $GH_TOKEN" $GITHUB_API_URL/repos/acme/web'
  expect(snippet).toContain('# … and when it is done:')
  const script = snippet!.replace('# … and when it is done:', work) + work
  const before = ledger.entries.length
  expect(await run('bash', ['-euo', 'pipefail', '-c', script])).toMatchObject({
    status: 0,
    stdout: '200\n401\n',
  })
  expect(ledger.entries).toHaveLength(before + 1)
})

test('the example does its work, and its token is dead when it is done', async () => {
  const { status, stdout, stderr } = await job()
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(stdout).toMatch(/^::add-mask::ghs_\S+\nacme\/web\n$/)
  expect(ledger.entries.at(-1)).toMatchObject({ uses: 1, revokedAt: expect.any(Number) })
})

test('its token is dead also when the work fails', async () => {
  const down = github.faults.add({
    kind: 'status',
    status: 500,
    on: ({ path }) => path === '/repos/acme/web',
  })
  expect((await job()).status).not.toBe(0)
  expect(down.hits).toBe(1)
  expect(ledger.entries.at(-1)).toMatchObject({ revokedAt: expect.any(Number) })
})

test('an upstream that asks to come back does not fail it', async () => {
  const busy = { kind: 'status', status: 429, headers: { 'Retry-After': '1' }, on: mints, times: 1 } as const
  github.faults.add(busy)
  const { status, stdout } = await job()
  expect({ status, last: stdout.split('\n').at(-2) }).toEqual({ status: 0, last: 'acme/web' })
})

test('a job whose identity is another is told why not', async () => {
  const { status, stdout, stderr } = await job(runner({ ...sandboxWorkload, repository_id: '666' }))
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  expect(stderr).toContain('invalid_request: this identity matches no agent')
})
