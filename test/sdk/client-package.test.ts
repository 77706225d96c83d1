/** The client alone, as it is published: in an empty folder, without dependencies, on the oldest Node that it is for. */
import { execFile } from 'node:child_process'
import { mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import own from '../../packages/client/package.json' with { type: 'json' }
import { found, packed, temporaryDirectory } from '../support/package.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const run = promisify(execFile)
/** As docs/client.md and docs/laptop.md have it. */
const commands =
  'bootstrap login logout whoami task explain run token git-credential docker-credential aws-credentials mcp admin'.split(
    ' ',
  )
const broker = await sharedBroker()

let directory = ''
let remove: () => Promise<void>
beforeAll(async () => {
  const { path, ...temporary } = await temporaryDirectory()
  remove = temporary.remove
  const tarball = await packed(path, 'packages/client')
  directory = join(path, 'empty')
  await mkdir(directory)
  await run('npm', ['install', '--offline', '--silent', '--no-audit', tarball], { cwd: directory })
}, 300_000)
afterAll(() => remove())

test('it has the version of the whole', () => {
  expect(own.version).toBe(manifest.version)
})

test('what is installed is less than 10 MB', async () => {
  const names = await readdir(directory, { recursive: true })
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(directory, name))).size))
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(10_000_000)
  expect(names.filter((name) => /node_modules\/[^.]/.test(name) && name.split('/').length === 2)).toEqual([
    'node_modules/mayfly-client',
  ])
})

const node20 = found('node', /^v20\./) ?? found('node20', /^v20\./)
for (const [name, node] of [
  ['Node.js 20', node20],
  ['Node.js 24', process.execPath],
] as const)
  test.skipIf(node === undefined)(
    `on ${name} it runs a command in a task${node ? '' : ' (it is not on PATH)'}`,
    async () => {
      const main = join(directory, 'node_modules/mayfly-client/dist/main.js')
      const mayfly = async (...args: string[]) => {
        const env = {
          PATH: process.env['PATH'],
          HOME: directory,
          MAYFLY_URL: broker.url,
          MAYFLY_TOKEN: await broker.workload(),
        }
        const { stdout } = await run(node!, [main, ...args], { env })
        return stdout
      }
      expect(await mayfly('--version')).toBe(`${manifest.version}\n`)
      const help = await mayfly('--help')
      for (const command of commands) expect(help).toMatch(new RegExp(`^ {2}${command}\\b`, 'm'))
      expect(help).not.toMatch(/^ {2}(?:serve|demo)\b/m)

      for (const command of commands)
        expect(await mayfly(command, '--help')).toMatch(new RegExp(`^Usage: mayfly ${command} `))

      const scope = 'github:acme/web:contents=read'
      const git = String.raw`protocol=https\nhost=github.com\npath=acme/web.git\n\n`
      const inside = [
        `mayfly token --scope ${scope}`,
        'mayfly task show --json',
        `mayfly explain --json --scope ${scope}`,
        `printf '${git}' | mayfly git-credential get`,
        'mayfly docker-credential list',
        `echo '${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })}' | mayfly mcp`,
      ].join(' && ')
      const [token = '', task, explained, ...others] = (
        await mayfly('run', '--purpose', 'a test', '--scope', scope, '--', 'sh', '-c', inside)
      ).split('\n')
      expect(token).toMatch(/^ghs_/)
      expect(await broker.use(token)).toBe(401)
      expect(JSON.parse(task!)).toMatchObject({ purpose: 'a test', status: 'active' })
      expect(JSON.parse(explained!)).toMatchObject({ decision: 'allowed' })
      expect(others.join('\n')).toMatch(
        /^username=x-access-token\npassword=ghs_\S+\n[^{]*\{\}\n\{"result":\{\}/,
      )

      const opened = await mayfly('task', 'open', '--json', '--purpose', 'a test', '--scope', scope)
      const { id, task_token } = JSON.parse(opened)
      const within = { MAYFLY_TASK: id, MAYFLY_TASK_TOKEN: task_token }
      const { stdout } = await run(node!, [main, 'task', 'complete', '--json'], {
        env: { PATH: process.env['PATH'], HOME: directory, MAYFLY_URL: broker.url, ...within },
      })
      expect(JSON.parse(stdout)).toMatchObject({ id, status: 'completed' })
    },
  )
