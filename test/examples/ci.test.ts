/** The examples of CI systems: each parsed as its platform does, and its lines run with what that platform gives a job. */
import { execFile } from 'node:child_process'
import { accessSync, constants, globSync, readFileSync } from 'node:fs'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { platformOf } from '../../src/identity/platforms.ts'
import { job } from '../support/actions-runner.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()
const { ledger } = broker.sandbox
const root = fileURLToPath(new URL('../../', import.meta.url))
const address = 'https://mayfly.acme.dev'
const text = (path: string) => readFileSync(join(root, 'examples', path), 'utf8')
const yaml = (path: string) => parse(text(path).replaceAll(address, broker.url))

type Env = Record<string, string>

/** Runs the lines in one shell, as their platform does, with `mayfly` on PATH, and for the platform's own tools what they print. */
async function run(lines: string[], env: Env, tools: Record<string, string> = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'mayfly-ci-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const seen = join(directory, 'seen')
  const release = `[ "$1 $2" = "release create" ] && [ -n "$3" ] && [ "$4 $5" = "--repo acme/web" ] && printf %s "$GH_TOKEN" > ${seen}`
  const commands = {
    mayfly: `exec ${process.execPath} ${join(root, 'src/cli/main.ts')} "$@"`,
    // What is installed is the checkout.
    npm: '[ "$*" = "install --global mayfly-broker" ]',
    // There is no checkout whose remote would name the repository.
    gh: release,
    'gh.deb': release,
    ...tools,
  }
  for (const [name, script] of Object.entries(commands)) {
    await writeFile(join(directory, name), `#!/bin/sh\n${script}\n`)
    await chmod(join(directory, name), 0o755)
  }
  const PATH = `${directory}:${process.env['PATH']}`
  const ended = await new Promise<{ status: number; stderr: string }>((resolve) => {
    execFile(
      'bash',
      ['-euc', lines.join('\n')],
      { env: { PATH, HOME: directory, ...env } },
      (error, _, stderr) => resolve({ status: error ? Number(error.code) : 0, stderr }),
    )
  })
  return { ...ended, token: await readFile(seen, 'utf8').catch(() => '') }
}

/** An image of Debian's or Ubuntu's has no `gh` before it is installed. */
const debian = {
  gh: 'exit 127',
  'apt-get': `case "$*" in update) ;; 'install --yes gh') cd "\${0%/*}" && mv gh.deb gh ;; *) exit 100 ;; esac`,
}

/** What was given to the work is a credential of one task, and dead once its lines are through. */
async function expectOneTask(outcome: { status: number; stderr: string; token: string }) {
  expect(outcome).toEqual({ status: 0, stderr: expect.any(String), token: expect.stringMatching(/^ghs_/) })
  expect(ledger.find(outcome.token)).toMatchObject({ revokedAt: expect.any(Number) })
  expect(ledger.alive()).toEqual([])
}

const token = () => broker.workload()

test('GitLab', async () => {
  const { release } = yaml('gitlab/.gitlab-ci.yml')
  expect(release.id_tokens).toEqual({ MAYFLY_TOKEN: { aud: broker.url } })
  expect(release.rules).toEqual([{ if: '$CI_COMMIT_TAG' }])
  const env = { ...release.variables, MAYFLY_TOKEN: await token(), CI_COMMIT_TAG: 'v1' }
  await expectOneTask(await run(release.script, env, debian))
})

test('Buildkite', async () => {
  const { env, steps } = yaml('buildkite/pipeline.yml')
  expect(steps[0].if).toBe('build.tag != null')
  const agent = `[ "$*" = "oidc request-token --audience ${broker.url}" ] && printf %s ${await token()}`
  await expectOneTask(
    await run(steps[0].commands, { ...env, BUILDKITE_TAG: 'v1' }, { 'buildkite-agent': agent }),
  )
})

test('CircleCI', async () => {
  const { jobs, workflows } = yaml('circleci/config.yml')
  const { release } = jobs
  // CircleCI runs no job for a tag that does not ask for it, and any for a branch.
  const filters = { tags: { only: '/^v.*/' }, branches: { ignore: '/.*/' } }
  expect(workflows.release.jobs).toEqual([{ release: { filters } }])
  const circleci = `[ "$*" = 'run oidc get --claims {"aud": "${broker.url}"}' ] && printf %s ${await token()}`
  const lines = release.steps.map(({ run: line }: { run: string }) => line)
  await expectOneTask(
    await run(
      lines,
      { ...release.environment, CIRCLE_TAG: 'v1' },
      { ...debian, sudo: 'exec "$@"', circleci },
    ),
  )
})

test('Bitbucket', async () => {
  const { pipelines } = yaml('bitbucket/bitbucket-pipelines.yml')
  expect(Object.keys(pipelines)).toEqual(['tags'])
  const [{ step }] = pipelines.tags['v*']
  expect(step.oidc).toBe(true)
  const env = { BITBUCKET_STEP_OIDC_TOKEN: await token(), BITBUCKET_TAG: 'v1' }
  await expectOneTask(await run(step.script, env, debian))
})

test('Kubernetes', async () => {
  const { spec } = yaml('kubernetes/job.yaml').spec.template
  const [container] = spec.containers
  const [volume] = spec.volumes
  const { path, audience, expirationSeconds } = volume.projected.sources[0].serviceAccountToken
  const [mount] = container.volumeMounts
  expect(mount.name).toBe(volume.name)
  expect({ audience, expirationSeconds }).toEqual({ audience: broker.url, expirationSeconds: 600 })
  const { MAYFLY_TOKEN_FILE: file, ...env } = Object.fromEntries(
    container.env.map(({ name, value }: { name: string; value: string }) => [name, value]),
  )
  expect(file).toBe(`${mount.mountPath}/${path}`)
  const directory = await mkdtemp(join(tmpdir(), 'mayfly-projected-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  await writeFile(join(directory, path), await token())
  const line = [...container.command, ...container.args].map((word: string) => `'${word}'`).join(' ')
  await expectOneTask(await run([line], { ...env, MAYFLY_TOKEN_FILE: join(directory, path) }))
})

test('Jenkins', async () => {
  const pipeline = text('jenkins/Jenkinsfile').replaceAll(address, broker.url)
  const [, name = '', value = ''] = /environment \{\s*(\w+) = '([^']+)'/.exec(pipeline) ?? []
  expect(pipeline).toMatch(/stage\('release'\) \{\s*when \{ buildingTag\(\) \}/)
  const [, variable = ''] =
    /withCredentials\(\[string\(credentialsId: 'mayfly', variable: '(\w+)'\)\]\)/.exec(pipeline) ?? []
  const lines = [...pipeline.matchAll(/^\s*sh '([^']+)'$/gm)].map(([, line = '']) => line)
  expect(lines).toHaveLength(2)
  await expectOneTask(await run(lines, { [name]: value, [variable]: await token(), TAG_NAME: 'v1' }))
})

test('GitHub Actions', async () => {
  const { on, permissions, jobs } = yaml('github-actions/release.yml')
  expect(on).toEqual({ push: { tags: ['v*'] } })
  expect(permissions).toEqual({ 'id-token': 'write' })
  const [step, work] = jobs.release.steps
  expect(step.uses).toMatch(/\/action@v1$/)
  expect(work.env.GH_TOKEN).toBe(`\${{ steps.${step.id}.outputs.token }}`)
  const runner = await job(broker)
  expect((await runner.main(step.with).ended).status).toBe(0)
  const given = runner.outputs()['token']!
  const outcome = await run([work.run], { GH_TOKEN: given, GITHUB_REF_NAME: 'v1' })
  expect((await runner.post()).status).toBe(0)
  await expectOneTask(outcome)
})

test('GitHub Actions with curl alone', () => {
  const { permissions, jobs } = yaml('github-actions/workflow.yml')
  expect(permissions).toEqual({ 'id-token': 'write' })
  const step = jobs.nightly.steps.at(-1)
  expect(step.env).toEqual({ MAYFLY_URL: broker.url })
  // It is run as it is by test/oauth/actions.test.ts.
  accessSync(join(root, 'examples/github-actions', step.run), constants.X_OK)
})

test('no example is called what GitHub takes for the description of an action', () => {
  expect(globSync('examples/**/action.{yml,yaml}', { cwd: root })).toEqual([])
})

test.each(['gitlab', 'buildkite', 'circleci', 'bitbucket', 'kubernetes', 'github-actions'])(
  'the example of %s says of its token what the preset knows',
  (preset) => {
    const file = globSync(`examples/${preset}/*.{yml,yaml}`, { cwd: root }).concat(
      globSync(`examples/${preset}/.*.yml`, { cwd: root }),
    )
    const head = file.map((path) => readFileSync(join(root, path), 'utf8')).join('\n')
    expect(head).toMatch(/\b(minutes|hour|as long as the job)\b/)
    expect(head).toContain(`preset: ${preset}`)
    expect(head.includes('`single_use: false`')).toBe(platformOf(preset)?.reused !== undefined)
  },
)
