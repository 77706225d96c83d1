/**
 * The image as far as it can be had without a container engine: the build stage's own commands
 * on a copy of the sources, what the image copies of it, and its entry point as its user.
 */
import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { access, chmod, chown, cp, mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { stagesOf, textsOf } from '../support/containerfile.ts'
import { temporaryDirectory } from '../support/package.ts'
import { startTestBroker, type TestBroker } from '../support/broker.ts'
import { surroundings } from '../support/mayfly.ts'
import { until } from '../support/until.ts'

const root = join(import.meta.dirname, '../..')
const run = promisify(execFile)
const [build = [], image = []] = stagesOf(join(root, 'Containerfile'))
const one = (name: string) => textsOf(image, name)[0] ?? ''

let broker: TestBroker
let installed = ''
let remove: () => Promise<void>
beforeAll(async () => {
  const { path, ...temporary } = await temporaryDirectory()
  remove = temporary.remove
  // The image's user has to get there.
  await chmod(path, 0o755)
  const source = join(path, 'src')
  await mkdir(source)
  const left = new Set(
    (await readFile(join(root, '.dockerignore'), 'utf8')).split('\n').map((line) => line.replace('**/', '')),
  )
  for (const name of await readdir(root))
    if (!left.has(name)) await cp(join(root, name), join(source, name), { recursive: true })
  // `npm ci` is what `.ci/run` begins with; here what it has installed is linked, file by file, so that it can be pruned.
  await run('cp', ['-al', join(root, 'node_modules'), source]).catch(() =>
    run('cp', ['-a', join(root, 'node_modules'), source]),
  )
  for (const command of textsOf(build, 'RUN'))
    if (command !== 'npm ci')
      await run('sh', ['-c', command], { cwd: source, env: { ...process.env, npm_config_offline: 'true' } })

  installed = join(path, 'opt')
  await mkdir(installed)
  for (const copied of textsOf(image, 'COPY')) {
    const [, from = '', to = ''] = copied.split(' ')
    await cp(from.replace(/^\/src/, source), join(installed, to), { recursive: true, verbatimSymlinks: true })
  }
  broker = await startTestBroker()
  await broker.stop()
}, 600_000)
afterAll(async () => {
  await broker[Symbol.asyncDispose]()
  await remove()
})

test('it holds what runs, and not what builds', async () => {
  const packages = await readdir(join(installed, 'node_modules'))
  const { dependencies, devDependencies } = JSON.parse(
    await readFile(join(root, 'package.json'), 'utf8'),
  ) as Record<'dependencies' | 'devDependencies', Record<string, string>>
  for (const name of Object.keys(dependencies)) expect(packages).toContain(name.split('/')[0])
  for (const name of ['typescript', 'vitest', 'prettier', 'oxlint', 'node'])
    expect({ [name]: name in devDependencies && packages.includes(name) }).toEqual({ [name]: false })
  await expect(access(join(installed, 'src'))).rejects.toThrow()
})

test('its entry point serves as its user, its health check finds it, and SIGTERM ends it in good order', async () => {
  const [uid, gid] = one('USER').split(':').map(Number)
  // Where only root may become another, and that user may run this Node.
  const becomes =
    process.getuid?.() === 0 &&
    spawnSync(process.execPath, ['--version'], { uid: uid!, gid: gid! }).status === 0
  if (becomes) await handOver(broker.directory, uid!, gid!)
  const [, main = '']: string[] = JSON.parse(one('ENTRYPOINT'))
  const [command = '', flag = '']: string[] = JSON.parse(one('CMD'))
  const program = main.replace(one('WORKDIR'), installed)
  const served = spawn(process.execPath, [program, command, flag, broker.file], {
    cwd: installed,
    env: { ...surroundings(), NODE_COMPILE_CACHE: undefined, NODE_ENV: 'production' },
    ...(becomes && { uid, gid }),
  })
  onTestFinished(() => void served.kill('SIGKILL'))
  let said = ''
  for (const stream of [served.stdout, served.stderr]) stream.on('data', (chunk) => (said += String(chunk)))
  await until(() => said.includes('"listening"') || served.exitCode !== null, 60_000)
  expect(said).toContain('"listening"')

  const [, check = ''] = /CMD (\[.*\])$/.exec(one('HEALTHCHECK')) ?? []
  const [, ...probe]: string[] = JSON.parse(check.replaceAll(one('EXPOSE'), new URL(broker.url).port))
  await expect(run(process.execPath, probe)).resolves.toBeDefined()
  expect((await broker.open()).status).toBe(201)
  const closed = once(served, 'close')
  served.kill('SIGTERM')
  expect(await closed).toEqual([0, null])
  await expect(run(process.execPath, probe)).rejects.toThrow()
})

/** The configuration, in a directory that others cannot enter, as a volume belongs to the image's user. */
async function handOver(directory: string, uid: number, gid: number): Promise<void> {
  for (const entry of await readdir(directory, { recursive: true }))
    await chown(join(directory, entry), uid, gid)
  await chown(directory, uid, gid)
}
