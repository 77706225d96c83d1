/**
 * The published package in a project that knows nothing of ours: its example type-checks as
 * strictly as can be, and runs on each runtime, with nothing of the server's there to be loaded.
 */
import { execFile, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { chmod, mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { brokers, commands } from '../../src/cli/commands.ts'
import { found, packed, project, temporaryDirectory } from '../support/package.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { surroundings } from '../support/mayfly.ts'

const root = join(import.meta.dirname, '../..')
const run = promisify(execFile)
const broker = await sharedBroker()

const exampleOf = (page: string) =>
  /```ts\n(import \{ openTask.*?)```/s.exec(readFileSync(join(root, page), 'utf8'))?.[1] ?? ''
/** As `example.ts` in the project, and as compiled for what knows neither types nor `await using`. */
const pages = { 'README.md': 'readme', 'docs/sdk.md': 'sdk' }
const strictest =
  '--ignoreConfig --strict --exactOptionalPropertyTypes --noUncheckedIndexedAccess --module nodenext ' +
  '--target es2022 --lib es2024,esnext.disposable --types node'
const compile = (cwd: string, ...more: string[]) =>
  run(join(root, 'node_modules/.bin/tsc'), [...strictest.split(' '), ...more, 'readme.ts', 'sdk.ts'], { cwd })

/** With all that it names, as `npm install` has it. */
let whole = ''
let alone = ''
let typed = ''
let remove: () => Promise<void>
beforeAll(async () => {
  const { path, ...temporary } = await temporaryDirectory()
  remove = temporary.remove
  const tarball = await packed(path)
  alone = await project(tarball, 'alone', [])
  whole = await project(tarball, 'whole/project', [])
  await symlink(join(root, 'node_modules'), join(whole, '../node_modules'))
  await mkdir(join(whole, 'node_modules/.bin'))
  await chmod(join(whole, 'node_modules/mayfly-broker', manifest.bin.mayfly), 0o755)
  await symlink(`../mayfly-broker/${manifest.bin.mayfly}`, join(whole, 'node_modules/.bin/mayfly'))
  // As an installation has them: the declarations name them, and nothing loads them.
  typed = await project(tarball, 'typed', ['@types/node', 'undici-types', 'zod', '@hono/zod-openapi', 'hono'])
  for (const directory of [alone, typed]) {
    await writeFile(join(directory, 'package.json'), '{ "type": "module", "private": true }')
    for (const [page, name] of Object.entries(pages))
      await writeFile(join(directory, `${name}.ts`), exampleOf(page))
  }
  await compile(typed, '--outDir', alone)
}, 300_000)
afterAll(() => remove())

test('the examples are there, and type-check, the declarations of the package with them', async () => {
  for (const page of Object.keys(pages))
    expect(exampleOf(page)).toContain('await using task = await openTask(')
  await expect(compile(typed, '--noEmit', '--skipLibCheck', 'false')).resolves.toMatchObject({ stdout: '' })
  const wrong = exampleOf('README.md').replace('purpose:', 'purpos:')
  await writeFile(join(typed, 'wrong.ts'), wrong)
  await expect(compile(typed, '--noEmit', 'wrong.ts')).rejects.toThrow()
})

test('`npx mayfly-broker demo` mints, uses and ends a credential in an empty folder, and leaves nothing there', async () => {
  // In a group of its own: what npx starts ends with it. The whole of the demo is in test/e2e.
  const child = spawn('npx', ['--offline', 'mayfly-broker', 'demo', '--json'], {
    cwd: whole,
    env: { ...surroundings(), HOME: whole },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  onTestFinished(() => void process.kill(-child.pid!, 'SIGKILL'))
  const seen: string[] = []
  for await (const line of createInterface(child.stdout)) {
    seen.push(JSON.parse(line).step)
    if (seen.includes('proven_dead')) break
  }
  expect(seen).toEqual(expect.arrayContaining(['started', 'minted', 'used']))
  expect((await readdir(whole)).filter((name) => !name.startsWith('.'))).toEqual(['node_modules'])
})

const node20 = found('node', /^v20\./) ?? found('node20', /^v20\./)
const main = () => join(whole, 'node_modules/mayfly-broker', manifest.bin.mayfly)
const on20 = (...args: string[]) =>
  run(node20!, [main(), ...args], { cwd: whole, env: { ...surroundings(), HOME: whole } }).then(
    ({ stdout, stderr }) => ({ status: 0, stdout, stderr }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({
      status: code,
      stdout,
      stderr,
    }),
  )
const on = node20 ? 'on Node.js 20' : 'on Node.js 20 (it is not on PATH)'

test.skipIf(!node20)(`${on} each command of the client has its help`, async () => {
  const clients = Object.keys(commands).filter((command) => !brokers.has(command))
  const helps = await Promise.all(clients.map((command) => on20(command, '--help')))
  for (const [index, command] of clients.entries()) {
    expect(helps[index]).toMatchObject({ status: 0, stderr: '' })
    expect(helps[index]!.stdout).toMatch(new RegExp(`^Usage: mayfly ${command} `))
  }
  const { stdout } = await on20('--help')
  for (const command of clients) expect(stdout).toMatch(new RegExp(`^ {2}${command}\\b`, 'm'))
  for (const command of brokers) expect(stdout).not.toMatch(new RegExp(`^ {2}${command}\\b`, 'm'))
})

test.skipIf(!node20)(
  `${on} what needs a newer one says so in a line, and what to do in another`,
  async () => {
    const asked = [
      ...Array.from(brokers, (command) => [command]),
      ['whoami', '-c', 'mayfly.yaml'],
      ['admin', 'revoke', '--offline', '-c', 'mayfly.yaml', '--all', '--reason', 'a test'],
    ]
    for (const { status, stdout, stderr } of await Promise.all(asked.map((words) => on20(...words)))) {
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
      expect(stderr).toMatch(
        /^mayfly: .* needs Node\.js 24 or later; this is v20\.\S+\n {2}Run it with a newer one\.\n$/,
      )
    }
    expect(JSON.parse((await on20('serve', '--json')).stderr)).toMatchObject({ code: 'failed' })
  },
)

const runtimes: [name: string, program: string | undefined, args: string[], ending: 'js' | 'ts'][] = [
  ['Node.js 20', node20, [], 'js'],
  ['Node.js 24', process.execPath, [], 'ts'],
  ['Bun', found('bun', /^1\./), [], 'ts'],
  ['Deno', found('deno', /^deno 2\./), ['run', '--allow-all', '--no-prompt'], 'ts'],
]
for (const [name, program, args, ending] of runtimes)
  test.skipIf(program === undefined)(
    `on ${name} they run against a broker, and leave nothing alive${program ? '' : ' (it is not on PATH)'}`,
    async () => {
      for (const page of Object.values(pages)) {
        const env = {
          ...surroundings(),
          HOME: alone,
          MAYFLY_URL: broker.url,
          MAYFLY_TOKEN: await broker.workload(),
          GITHUB_API_URL: broker.sandbox.github.url,
        }
        const { stdout } = await run(program!, [...args, `${page}.${ending}`], { cwd: alone, env })
        expect(stdout).toBe('200\n')
      }
      expect(broker.sandbox.ledger.alive()).toEqual([])
      expect(broker.sandbox.ledger.entries.length).toBeGreaterThan(0)
    },
  )
