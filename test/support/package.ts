/** The package as it is published, unpacked in an empty project that has nothing else but what it names. */
import { execFile, execFileSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')

/** Builds and packs a copy of the sources, or the package in `folder` of it, so that nothing of the checkout is written. Returns the tarball. */
export async function packed(directory: string, folder = '.'): Promise<string> {
  const copy = join(directory, 'checkout')
  await mkdir(copy)
  const wanted = (await readdir(root)).filter((name) => !/^(?:\.git|node_modules|dist|test)$/.test(name))
  for (const name of wanted) await cp(join(root, name), join(copy, name), { recursive: true })
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'))
  await run('npm', ['pack', '--silent', '--pack-destination', directory], { cwd: join(copy, folder) })
  const [tarball] = (await readdir(directory)).filter((name) => name.endsWith('.tgz'))
  return join(directory, tarball!)
}

/** An empty project with the package, and with `packages` of the checkout's. */
export async function project(tarball: string, name: string, packages: readonly string[]): Promise<string> {
  const directory = join(dirname(tarball), name)
  const unpacked = join(directory, 'node_modules/mayfly-broker')
  await mkdir(unpacked, { recursive: true })
  await run('tar', ['xzf', tarball, '-C', unpacked, '--strip-components=1'])
  for (const each of packages) {
    const link = join(directory, 'node_modules', each)
    await mkdir(dirname(link), { recursive: true })
    await symlink(join(root, 'node_modules', each), link)
  }
  return directory
}

export async function temporaryDirectory(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'mayfly-package-'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

/** The first on PATH of this name, whose version is like this. */
export function found(name: string, version: RegExp): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((directory) => join(directory, name))
    .find((program) => {
      try {
        return version.test(execFileSync(program, ['--version'], { encoding: 'utf8', stdio: 'pipe' }))
      } catch {
        return false
      }
    })
}
