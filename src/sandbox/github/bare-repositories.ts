/** The git repositories behind the local GitHub, each made when it is first asked for. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { devNull, tmpdir } from 'node:os'
import { join } from 'node:path'

export interface BareRepositories {
  /** What `git http-backend` needs in its environment to serve the repository, which has one commit when it is new. */
  open(owner: string, name: string): Promise<NodeJS.ProcessEnv>
  close(): Promise<void>
}

/** As GitHub's server has them: any commit can be fetched, partial clones work, broken objects are refused. */
const settings = {
  'uploadpack.allowAnySHA1InWant': 'true',
  'uploadpack.allowFilter': 'true',
  'receive.fsckObjects': 'true',
  // Nothing may go on in the background, nor outlive the sandbox.
  'gc.auto': '0',
  'maintenance.auto': 'false',
}

/**
 * "Permissions required for GitHub Apps", `workflows`: a ref whose new commits
 * create or change files there is refused.
 */
const updateHook = `#!/bin/sh
test "$SANDBOX_WORKFLOWS" = write && exit 0
test -z "$(printf %s "$3" | tr -d 0)" && exit 0
test -z "$(git rev-list "$3" --not --all -- .github/workflows)" && exit 0
echo "refusing to allow a GitHub App to create or update a workflow without \\\`workflows\\\` permission" >&2
exit 1
`

export function createBareRepositories(): BareRepositories {
  let root: Promise<Root> | undefined
  const known = new Map<string, Promise<NodeJS.ProcessEnv>>()

  const create = async (key: string, name: string) => {
    root ??= prepare()
    const { folder } = await root
    const directory = join(folder, 'repositories', key)
    const environment = environmentOf(folder, directory)
    await mkdir(directory, { recursive: true })
    await git(['init', '--quiet', '--bare', '--initial-branch=main', directory], environment)
    await git(['fast-import', '--quiet'], { ...environment, GIT_DIR: directory }, firstCommit(name))
    return environment
  }

  return {
    open(owner, name) {
      const key = `${owner}/${name}`.toLowerCase()
      const repository = known.get(key) ?? create(key, name)
      known.set(key, repository)
      return repository
    },
    async close() {
      await Promise.allSettled(known.values())
      if (!root) return
      const { folder, removeAtExit } = await root
      // A server that was killed leaves children behind, which write for a moment more.
      await rm(folder, { recursive: true, force: true, maxRetries: 10 })
      process.off('exit', removeAtExit)
    },
  }
}

interface Root {
  folder: string
  /** For a process that ends without closing its sandbox. */
  removeAtExit: () => void
}

async function prepare(): Promise<Root> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-sandbox-git-'))
  const removeAtExit = () => rmSync(folder, { recursive: true, force: true })
  process.once('exit', removeAtExit)
  const hook = join(folder, 'hooks', 'update')
  await mkdir(join(folder, 'hooks'))
  await writeFile(hook, updateHook)
  await chmod(hook, 0o755)
  return { folder, removeAtExit }
}

/** Nothing of the user's own git reaches in: neither its configuration, nor the repository that this runs in. */
function environmentOf(folder: string, directory: string): NodeJS.ProcessEnv {
  const all = Object.entries({ ...settings, 'core.hooksPath': join(folder, 'hooks') })
  return {
    PATH: process.env['PATH'],
    HOME: folder,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: devNull,
    GIT_CONFIG_COUNT: String(all.length),
    ...Object.fromEntries(
      all.flatMap(([key, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, key],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ]),
    ),
    GIT_PROJECT_ROOT: directory,
    GIT_HTTP_EXPORT_ALL: '1',
  }
}

/** For `git fast-import`. */
function firstCommit(name: string): string {
  const text = `# ${name}\n`
  return `commit refs/heads/main
committer Sandbox <sandbox@example.com> 0 +0000
data 13
First commit
M 644 inline README.md
data ${Buffer.byteLength(text)}
${text}
`
}

async function git(args: string[], env: NodeJS.ProcessEnv, input = ''): Promise<void> {
  const child = spawn('git', args, { env, stdio: ['pipe', 'ignore', 'ignore'] })
  child.stdin.on('error', () => undefined).end(input)
  const [status] = (await once(child, 'close')) as [number | null]
  if (status !== 0) throw new Error(`git ${args[0]} ended with ${status}`)
}
