/**
 * What lies about in real life, and what git would rather use than the task's
 * credential: each holds a token that may push, and the task may read only.
 */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { mayfly } from '../support/mayfly.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()
const { github, ledger } = broker.sandbox
const { host, hostname } = new URL(github.url)

/** Somebody's own token, which may push. */
let pat: string
beforeAll(async () => {
  const { body } = await broker.open()
  pat = (await broker.mint(body)).body.credential.token
})

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'mayfly-logins-test-'))
  onTestFinished(() => rm(home, { recursive: true, force: true }))
})

const file = async (path: string, text: string, mode = 0o600) => {
  await mkdir(join(home, path, '..'), { recursive: true })
  await writeFile(join(home, path), text)
  await chmod(join(home, path), mode)
}

/** What a run that may read makes of `script`, in a home of its own, and whether the other token was used. */
async function run(script: string, env: Record<string, string> = {}, options: string[] = []) {
  const before = ledger.find(pat)!.uses
  const line = ['run', '--purpose', 'a test', '--git-host', github.url]
  const scope = ['--scope', 'github:acme/web+acme/docs:contents=read']
  const outcome = await mayfly([...line, ...scope, ...options, '--', 'sh', '-c', `cd "$HOME"\n${script}`], {
    HOME: home,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: 'a',
    GIT_AUTHOR_EMAIL: 'a@example.com',
    GIT_COMMITTER_NAME: 'a',
    GIT_COMMITTER_EMAIL: 'a@example.com',
    HOST: host,
    REMOTE: github.url,
    PAT: pat,
    // Held by the test alone: whatever holds it by itself is taken away.
    BASIC: `AUTHORIZATION: basic ${Buffer.from(`x-access-token:${pat}`).toString('base64')}`,
    MAYFLY_URL: broker.url,
    MAYFLY_TOKEN: await broker.workload(),
    ...env,
  })
  return { ...outcome, used: ledger.find(pat)!.uses > before }
}

const clone = 'git clone -q "$REMOTE/acme/web.git" web || exit 9\ncd web\n'
const push = 'git commit -q --allow-empty -m "a change" && git push -q origin HEAD:refs/heads/topic'
const denied = { used: false, stderr: expect.stringContaining('Permission to acme/web.git denied') }

describe('the task reads, and does not push, with', () => {
  it('a login in ~/.netrc, which is named before the command starts', async () => {
    await file('.netrc', `machine ${hostname} login x-access-token password ${pat}\n`)
    const outcome = await run(clone + push)
    expect(outcome).toMatchObject(denied)
    expect(outcome.stderr).toMatch(/^mayfly: .*\.netrc holds a login for 127\.0\.0\.1/)
  })

  it.each([
    ['for the whole host', () => `${github.url}/`],
    ['for the one repository', () => `${github.url}/acme/web.git`],
  ])('a password that `insteadOf` puts into the address, %s', async (_what, instead) => {
    const secret = instead().replace('://', `://x-access-token:${pat}@`)
    await file('.gitconfig', `[url "${secret}"]\n  insteadOf = ${instead()}\n`)
    expect(await run(clone + push)).toMatchObject(denied)
  })

  it('a password in the address of the remote', async () => {
    const address = github.url.replace('://', '://x-access-token:$PAT@')
    const env = { KEPT: `it is ${pat}` }
    const script = `PAT=\${KEPT#it is }\n${clone}git remote set-url origin "${address}/acme/web.git"\n${push}`
    expect(await run(script, env)).toMatchObject(denied)
  })

  it.each(['$REMOTE/', '$REMOTE/acme/', '$REMOTE/acme/web.git'])(
    'a header that a checkout has left in the repository, for %s',
    async (address) => {
      const script = `git config "http.${address}.extraHeader" "$BASIC"\n`
      expect(await run(clone + script + push)).toMatchObject(denied)
    },
  )

  it('a header for every address, and one on the command line', async () => {
    await file('.gitconfig', `[http]\n  extraHeader = ${pat}\n`)
    const script = 'git -c "http.$REMOTE/acme/web.git.extraHeader=$BASIC" push -q origin HEAD:refs/heads/t'
    expect(await run(clone + script)).toMatchObject(denied)
  })

  it('a helper for a narrower address', async () => {
    await file('.git-credentials', `http://x-access-token:${pat}@${host}/acme/web.git\n`)
    await file(
      '.gitconfig',
      `[credential "${github.url}/acme"]\n  helper = store\n[credential]\n  useHttpPath = true\n`,
    )
    expect(await run(clone + push)).toMatchObject(denied)
  })

  it('a program that would answer in place of a human', async () => {
    await file('askpass', `#!/bin/sh\necho ${pat}\n`, 0o700)
    expect(await run(clone + push, { GIT_ASKPASS: join(home, 'askpass') })).toMatchObject(denied)
  })
})

describe('over SSH', () => {
  /** An ssh that would get through. */
  const ssh = async () => {
    await file('bin/ssh', `#!/bin/sh\ntest "$1" = -G || echo "$@" >> "${home}/reached"\nexit 1\n`, 0o700)
    return { PATH: `${join(home, 'bin')}:${process.env['PATH']}` }
  }
  const reached = 'test ! -e "$HOME/reached" || cat "$HOME/reached"'

  it('an address is that over https', async () => {
    const script = `git ls-remote "git@${hostname}:acme/web.git" main\ngit ls-remote "ssh://git@${hostname}/acme/docs" main\n`
    const { stdout, status } = await run(`${script}${reached}`, await ssh())
    expect(status).toBe(0)
    expect(stdout.match(/^[0-9a-f]{40}\trefs\/heads\/main$/gm)).toHaveLength(2)
  })

  it('nothing else goes to that host, and what to do is said', async () => {
    const script = `git ls-remote "ssh://somebody@${hostname}/acme/web.git" || true\n${reached}`
    const { stdout, stderr } = await run(script, await ssh())
    expect(stdout).toBe('')
    expect(stderr).toContain('over SSH')
    expect(stderr).toContain('--keep-env GIT_SSH_COMMAND')
  })

  it('other hosts are as they were, with the settings that they had', async () => {
    await ssh()
    const env = { GIT_SSH_COMMAND: `"${home}/bin/ssh" -i a-key` }
    const { stdout } = await run(`git ls-remote git@elsewhere.example:a/b || true\n${reached}`, env)
    expect(stdout).toMatch(/^-i a-key .*git@elsewhere\.example git-upload-pack 'a\/b'\n$/)
  })
})

describe('logins of other tools', () => {
  const absent = (...names: string[]) => names.map((name) => `echo "${name} \${${name}-none}"`).join('\n')

  it('are taken away', async () => {
    const env = { GITHUB_TOKEN: pat, AWS_PROFILE: 'prod', VAULT_TOKEN: 'a-token', SSH_AUTH_SOCK: '/agent' }
    const { stdout } = await run(absent(...Object.keys(env), 'PAT'), env)
    expect(stdout).toBe(
      ['GITHUB_TOKEN', 'AWS_PROFILE', 'VAULT_TOKEN', 'SSH_AUTH_SOCK', 'PAT']
        .map((name) => `${name} none\n`)
        .join(''),
    )
  })

  it('but for those that --keep-env names', async () => {
    const env = { AWS_PROFILE: 'prod', VAULT_TOKEN: 'a-token' }
    const { stdout } = await run(absent('AWS_PROFILE', 'VAULT_TOKEN'), env, ['--keep-env', 'AWS_PROFILE'])
    expect(stdout).toBe('AWS_PROFILE prod\nVAULT_TOKEN none\n')
  })

  it('and nothing is left of what keeps them away', async () => {
    const { stdout, stderr } = await run('echo "$GIT_EXEC_PATH"; test -e "$GIT_EXEC_PATH/git-remote-https"')
    expect(stderr).toBe('')
    expect(stdout).toMatch(/mayfly-run-/)
    await expect(rm(stdout.trim())).rejects.toThrow('ENOENT')
  })
})
