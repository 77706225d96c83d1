/**
 * The published package in a project that knows nothing of ours: its example type-checks as
 * strictly as can be, and runs on each runtime, with nothing of the server's there to be loaded.
 */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
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

let alone = ''
let typed = ''
let remove: () => Promise<void>
beforeAll(async () => {
  const { path, ...temporary } = await temporaryDirectory()
  remove = temporary.remove
  const tarball = await packed(path)
  alone = await project(tarball, 'alone', [])
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

const runtimes: [name: string, program: string | undefined, args: string[], ending: 'js' | 'ts'][] = [
  ['Node.js 20', found('node', /^v20\./) ?? found('node20', /^v20\./), [], 'js'],
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
      expect(broker.sandbox.ledger.alive(Date.now())).toEqual([])
      expect(broker.sandbox.ledger.entries.length).toBeGreaterThan(0)
    },
  )
