import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it, onTestFinished, vi } from 'vitest'
import { setUp } from '../../src/demo/setup.ts'
import { walkThrough } from '../../src/demo/walkthrough.ts'
import { mayfly, startMayfly } from '../support/mayfly.ts'
import { aJwt } from '../support/secrets.ts'

// It starts a broker twice, each in a process of its own, and waits for two deadlines.
vi.setConfig({ testTimeout: 90_000 })

interface Line extends Record<string, unknown> {
  step?: string
  provider?: string | null
}

const parse = (stdout: string) =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)

it('the demo shows every step and ends with its count', async () => {
  const { status, stdout, stderr } = await mayfly(['demo'])
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  const lines = stdout.trimEnd().split('\n')
  expect(lines.at(-1)).toBe('7 minted, 7 proven dead')
  expect(stdout).toContain('docs-are-read-only')
  expect(stdout).toContain('infra-needs-security: Security looks')
  expect(stdout).toContain('all times are of the sandbox')
  for (const line of lines.slice(0, -1)) expect(line).toMatch(/^ +\d+\.\d\d s {2}/)
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80)
  expect(stdout).not.toMatch(aJwt)
  expect(stdout).not.toMatch(/ghs_|mft_/)
})

/** With --json each step is a line, the tries are those of the demo itself, and the summary is last. */
function expectEveryStep(lines: Line[]): void {
  expect(lines.at(-1)).toMatchObject({ minted: 7, proven_dead: 7, ok: true })
  const steps = lines.slice(0, -1)
  for (const line of steps) expect(line).toMatchObject({ step: expect.any(String), at: expect.any(String) })
  for (const line of steps) expect(line).toHaveProperty('provider')
  const of = (step: string) => steps.filter((line) => line.step === step)
  for (const provider of ['github', 'aws', 'vault'])
    expect(of('used').filter((line) => line.provider === provider)).not.toHaveLength(0)
  expect(of('refused')).toMatchObject([
    { provider: 'github', code: 'policy_denied', denials: [{ policies: ['docs-are-read-only'] }] },
    { provider: 'aws', code: 'policy_denied', denials: [{ policies: ['nobody-deletes-buckets'] }] },
    { provider: 'vault', code: 'policy_denied', denials: [{ policies: ['ci-secrets-are-read-only'] }] },
  ])
  const leases = of('minted').map(({ lease }) => lease)
  expect(new Set(leases).size).toBe(7)
  expect(of('proven_dead')).toMatchObject(leases.map((lease) => ({ lease, outcome: 'refused' })))
  const description = expect.stringMatching(/^Security looks/)
  expect(of('waits')).toMatchObject([
    { group: 'security', policies: [{ id: 'infra-needs-security', description }] },
  ])
  expect(of('approved')).toMatchObject([
    { status: 'active', digest: expect.stringMatching(/^[0-9a-f]{64}$/) },
  ])
  // Killed with a credential alive, which works past its deadline until the next broker finds it.
  const order = steps.filter(({ step }) =>
    ['broker_killed', 'past_deadline', 'restarted'].includes(String(step)),
  )
  expect(order).toMatchObject([
    { step: 'broker_killed' },
    { step: 'past_deadline', status: 200, outcome: 'accepted' },
    { step: 'restarted' },
  ])
  const found = steps[steps.indexOf(order[2]!) + 1]
  expect(found).toMatchObject({ step: 'proven_dead', lease: order[1]!['lease'] })
  for (const line of of('proven_dead')) expect(line).toMatchObject({ figures: 'sandbox' })
  expect(of('audit_verified')).toMatchObject([{ intact: true }])
}

it('a credential that upstream did not revoke is counted as not dead', async () => {
  const setup = await setUp()
  try {
    // Upstream says of the first that it has revoked it, and has not, however often it is told.
    const on = ({ method }: { method: string }) => method === 'DELETE'
    const lie = setup.sandbox.github.faults.add({ kind: 'status', status: 204, on })
    const shown: string[] = []
    const show = (step: string) => {
      shown.push(step)
      if (step === 'still_alive') lie.clear()
    }
    const tally = await walkThrough(setup, { show, elapsed: () => 0 })
    expect(tally).toEqual({ minted: 7, proven_dead: 6, ok: false })
    expect(shown).toContain('still_alive')
  } finally {
    await setup.close()
    await rm(setup.directory, { recursive: true })
  }
})

it('with --json each step is a line; with --keep the commands that it prints work as they are, and Ctrl-C leaves nothing behind', async () => {
  const demo = startMayfly(['demo', '--json', '--keep'])
  await demo.printed('"proven_dead":7')
  const lines = parse(demo.stdout())
  expectEveryStep(lines)
  const kept = lines.find(({ step }) => step === 'kept')!
  const folder = dirname(String(kept['configuration']))
  expect(existsSync(String(kept['log']))).toBe(true)

  const script = (kept['commands'] as string[]).join('\n')
  const pasted = await promisify(execFile)('sh', ['-e', '-u', '-c', script], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'] },
  })
  expect(pasted.stderr).toBe('')
  // The credential worked, and worked no more once an admin had ended its task.
  expect(pasted.stdout.match(/^(200|401)$/gm)).toEqual(['200', '401'])
  expect(pasted.stdout).toContain('ended 1 task')
  expect(pasted.stdout).toMatch(/^intact: /m)
  expect(pasted.stdout).toMatch(/"status":"active".*"task_token"/)

  demo.process.kill('SIGINT')
  expect((await demo.ended).status).toBe(0)
  expect(existsSync(folder)).toBe(false)
})

it('interrupted in the middle, it leaves nothing behind either', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-interrupted-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const demo = startMayfly(['demo', '--json'], { TMPDIR: folder })
  await demo.printed('"abandoned"')
  expect(await readdir(folder)).toHaveLength(1)
  demo.process.kill('SIGINT')
  expect((await demo.ended).status).toBe(130)
  expect(await readdir(folder)).toEqual([])
})
