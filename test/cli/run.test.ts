import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { sharedBroker } from '../support/shared-broker.ts'
import { mayfly, startMayfly } from '../support/mayfly.ts'

const broker = await sharedBroker()
const { ledger } = broker.sandbox

const web = 'github:acme/web:contents=read'
const infra = 'github:acme/infra:contents=write'
const line = (command: string[], ...options: string[]) => [
  'run',
  '--purpose',
  'a test',
  ...(options.includes('--scope') ? [] : ['--scope', web]),
  ...options,
  '--',
  ...command,
]
/** A process takes its time to start where many do. */
const patiently = { timeout: 15_000 }
const identity = async () => ({ MAYFLY_URL: broker.url, MAYFLY_TOKEN: await broker.workload() })
const run = async (command: string[], ...options: string[]) =>
  await mayfly(line(command, ...options), await identity())
const start = async (script: string, ...options: string[]) =>
  startMayfly(line(['sh', '-c', script], ...options), await identity())

const tasks = async () =>
  (await broker.call('GET', '/v1/admin/tasks', { token: await broker.admin() })).body.items as {
    id: string
    status: string
  }[]
/** How the tasks stand that were opened since the test began. */
const statuses = async () => (await tasks()).filter(({ id }) => !earlier.has(id)).map(({ status }) => status)
let earlier: Set<string>
beforeEach(async () => {
  earlier = new Set((await tasks()).map(({ id }) => id))
})
const tokensDead = async () => {
  for (const { secret } of ledger.entries) expect(await broker.use(secret)).toBe(401)
}

describe('the command', () => {
  it('has our streams, its arguments as they are, and its exit status is ours', async () => {
    const running = startMayfly(
      line(['sh', '-c', 'cat; echo "$1" >&2; exit 3', '--json', '--scope x']),
      await identity(),
    )
    running.process.stdin!.end('from stdin')
    expect(await running.ended).toEqual({ status: 3, stdout: 'from stdin', stderr: '--scope x\n' })
    expect(await statuses()).toEqual(['completed'])
    await tokensDead()
  })

  it('may stand there without --, with options of its own', async () => {
    const words = line(['sh', '-c', 'echo "$1"', 'sh', '-l']).filter((word) => word !== '--')
    expect(await mayfly(words, await identity())).toMatchObject({ status: 0, stdout: '-l\n' })
  })

  it('finds its task, a token for gh that works, and no trace of the identity', async () => {
    const env = await identity()
    const { stdout } = await mayfly(line(['env']), { ...env, ID_TOKEN: env.MAYFLY_TOKEN, KEPT: 'kept' })
    const found = Object.fromEntries(stdout.split('\n').map((each) => each.split('=', 2)))
    expect(found).toMatchObject({
      MAYFLY_URL: broker.url,
      MAYFLY_TASK: expect.stringMatching(/^task_/),
      MAYFLY_TASK_TOKEN: expect.stringMatching(/^mft_/),
      GH_TOKEN: expect.stringMatching(/^ghs_/),
      GIT_CONFIG_KEY_0: 'credential.https://github.com.helper',
      GIT_CONFIG_VALUE_0: '',
      KEPT: 'kept',
    })
    expect(stdout).not.toContain(env.MAYFLY_TOKEN)
    expect(ledger.find(found['GH_TOKEN']!)).toMatchObject({ scope: { repositories: ['acme/web'] } })
  })

  it('has the first of several tokens for gh, is told so, and gets another as it is told', async () => {
    const docs = 'github:acme/docs:contents=read'
    const script = 'echo "$GH_TOKEN"; mayfly token --scope github:acme/docs:contents=read'
    const { stdout, stderr } = await run(['sh', '-c', script], '--scope', web, '--scope', docs)
    const [first, other] = stdout.trim().split('\n')
    expect(ledger.find(first!)).toMatchObject({ scope: { repositories: ['acme/web'] } })
    expect(ledger.find(other!)).toMatchObject({ scope: { repositories: ['acme/docs'] } })
    expect(stderr).toBe(
      `mayfly: gh uses ${web}, the first of 2 in this scope\n  for ${docs}: GH_TOKEN=$(mayfly token --scope '${docs}') gh\n`,
    )
    await tokensDead()
  })

  it('is told the same in JSON with --json', async () => {
    const docs = 'github:acme/docs:contents=read'
    const { stderr } = await run(['true'], '--json', '--scope', web, '--scope', docs)
    expect(JSON.parse(stderr)).toMatchObject({
      code: 'choice',
      tool: 'gh',
      default: { scope: web, variable: 'GH_TOKEN' },
      others: [{ scope: docs, variable: 'GH_TOKEN' }],
    })
  })

  it('gets of `mayfly token` what the run keeps: asked again, it is the same', async () => {
    const script =
      'mayfly token --scope github:acme/web:contents=read; mayfly token --scope github:acme/web:contents=read; echo "$GH_TOKEN"'
    const { stdout } = await run(['sh', '-c', script])
    expect(new Set(stdout.trim().split('\n')).size).toBe(1)
  })

  it.each([
    ['is not there', 127, () => 'no-such-command'],
    ['cannot be executed', 126, () => join(broker.directory, 'mayfly.yaml')],
  ])('that %s: %i, and the task is completed', async (_what, expected, command) => {
    const { status, stdout, stderr } = await run([command()])
    expect({ status, stdout }).toEqual({ status: expected, stdout: '' })
    expect(stderr).toMatch(/^mayfly: .+ cannot be started \(E[A-Z]+\)\n {2}.+\n$/)
    expect(await statuses()).toEqual(['completed'])
    await tokensDead()
  })
})

describe('without a task the command does not run:', () => {
  const touched = () => join(broker.directory, 'touched')
  it.each<[string, string[], string]>([
    ['policy denies', ['--scope', 'github:acme/docs:contents=write'], 'policy_denied'],
    ['an approval is needed and --no-wait', ['--scope', infra, '--no-wait'], 'approval of security'],
  ])('%s', async (_why, options, words) => {
    const { status, stderr } = await run(['touch', touched()], ...options)
    expect(status).toBe(1)
    expect(stderr).toContain(words)
    expect(existsSync(touched())).toBe(false)
    expect(await statuses()).not.toContain('pending_approval')
  })

  it('upstream mints nothing, and the task is completed', async () => {
    broker.sandbox.github.suspend()
    const { status, stderr } = await run(['true'])
    broker.sandbox.github.unsuspend()
    expect(status).toBe(1)
    expect(stderr).toMatch(/^mayfly: provider_rejected: /)
    expect(await statuses()).toEqual(['completed'])
  })

  it('no command is wrong usage', async () => {
    expect(await run([])).toMatchObject({ status: 2, stdout: '' })
  })

  it('nor does it in an environment that git would refuse, and no task is opened', async () => {
    const { status, stderr } = await mayfly(line(['true']), { ...(await identity()), GIT_CONFIG_COUNT: 'x' })
    expect(status).toBe(1)
    expect(stderr).toContain('GIT_CONFIG_COUNT')
    expect(await statuses()).toEqual([])
  })
})

describe('a task that awaits approval', () => {
  const pending = async () =>
    (await broker.call('GET', '/v1/admin/approvals?status=pending', { token: await broker.admin() })).body
      .items as { id: string; digest: string }[]
  const decide = async (how: 'approve' | 'deny') => {
    await expect.poll(pending, patiently).toHaveLength(1)
    const [{ id, digest }] = (await pending()) as [{ id: string; digest: string }]
    const { status } = await broker.call('POST', `/v1/admin/approvals/${id}/${how}`, {
      token: await broker.admin(),
      body: { digest },
    })
    expect(status).toBe(200)
    return id
  }

  it('is waited for, saying so, and then the command runs', async () => {
    const running = await start('echo ran', '--scope', infra)
    const id = await decide('approve')
    const { status, stdout, stderr } = await running.ended
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'ran\n' })
    expect(stderr).toContain('waits for the approval of security')
    expect(stderr).toContain('policy   infra-needs-security: Security looks at every change')
    expect(stderr).toContain(id)
  })

  it('is told in JSON with --json', async () => {
    const running = await start('echo ran', '--scope', infra, '--json')
    const id = await decide('approve')
    expect(JSON.parse((await running.ended).stderr)).toMatchObject({
      code: 'awaits_approval',
      approvals: [{ id, group: 'security', policies: [{ id: 'infra-needs-security' }] }],
    })
  })

  it('and is denied: the command does not run', async () => {
    const running = await start('echo ran', '--scope', infra)
    await decide('deny')
    const { status, stdout, stderr } = await running.ended
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toContain('was not approved: denied')
  })

  it('is given up at a signal, and waits for nobody any more', async () => {
    const running = await start('echo ran', '--scope', infra)
    await expect.poll(pending, patiently).toHaveLength(1)
    running.process.kill('SIGTERM')
    expect(await running.ended).toMatchObject({ status: 143, stdout: '' })
    expect(await statuses()).toEqual(['completed'])
  })
})

it('a task that was ended meanwhile: said, with how', async () => {
  const running = await start('echo "$MAYFLY_TASK"; read go; exit 4')
  await running.printed(/task_\w+\n/)
  await broker.revoke({ task: running.stdout().trim() })
  running.process.stdin!.end('\n')
  const { status, stderr } = await running.ended
  expect(status).toBe(4)
  expect(stderr).toMatch(/^mayfly: task_\w+ had ended before the command did: revoked, at .+\n {2}.+\n$/)
})

describe.each([
  ['that upstream does not let die', { status: 500 }],
  ['that works although upstream says that it is dead', { status: 204 }],
])('a credential %s', (_how, answer) => {
  const refused = () =>
    broker.sandbox.github.faults.add({
      kind: 'status',
      ...answer,
      on: ({ method, path }) => method === 'DELETE' && path === '/installation/token',
    })

  it('is told, and the exit status is 1', async () => {
    const broken = refused()
    const { status, stderr } = await run(['true'])
    broken.clear()
    expect(status).toBe(1)
    expect(stderr).toMatch(/^mayfly: not_revoked: task_\w+ is over.+: lease_\w+ revoking, .+\n {2}.+\n$/)
    await expect.poll(() => ledger.alive(), patiently).toEqual([])
  })

  it('is told, and a failure of the command keeps its exit status', async () => {
    const broken = refused()
    const { status, stderr } = await run(['sh', '-c', 'exit 3'])
    broken.clear()
    expect(status).toBe(3)
    expect(stderr).toContain('not_revoked')
    await expect.poll(() => ledger.alive(), patiently).toEqual([])
  })

  it('is waited for a while, and nothing is said when it is seen dead then', async () => {
    const broken = refused()
    const running = run(['true'])
    await expect.poll(() => broken.hits, patiently).toBeGreaterThan(0)
    broken.clear()
    expect(await running).toMatchObject({ status: 0, stderr: '' })
  })
})

describe('a broker that is not there when the command ends', () => {
  it('is waited for a while', async () => {
    const running = await start('echo started; read go')
    await running.printed('started')
    await broker.stop()
    running.process.stdin!.end('\n')
    setTimeout(() => void broker.start(), 700)
    expect(await running.ended).toMatchObject({ status: 0, stderr: '' })
    expect(await statuses()).toEqual(['completed'])
  })

  it('and does not come back: said, with what to do, and the exit status stays', async () => {
    const running = await start('echo started; read go; exit 5')
    await running.printed('started')
    await broker.stop()
    running.process.stdin!.end('\n')
    const { status, stderr } = await running.ended
    await broker.start()
    expect(status).toBe(5)
    expect(stderr).toMatch(
      /^mayfly: task_\w+ could not be completed: .+\n {2}.*mayfly admin revoke --task task_\w+.*\n$/,
    )
    expect(stderr).not.toContain('mft_')
  })
})
