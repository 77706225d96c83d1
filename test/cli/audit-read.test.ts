/** The record read on the command line: in the store beside the broker, or through it. */
import { spawn } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readWeb, writeWeb } from '../support/broker.ts'
import { mayfly, startMayfly } from '../support/mayfly.ts'
import { aRun, withSessions } from '../support/runs.ts'
import { found } from '../support/secrets.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker(withSessions())
const run = aRun()
const { body: task } = await broker.open({ authorization_details: [readWeb] }, run)
const { body: minted } = await broker.mint(task, readWeb)
const { body: refused } = await broker.mint(task, writeWeb)
await broker.complete(task)
await broker.open({}, aRun())

const inStore = (...args: string[]) => mayfly(['audit', ...args, '-c', broker.file])
const throughBroker = async (...args: string[]) =>
  mayfly(['audit', ...args], { MAYFLY_URL: broker.url, MAYFLY_TOKEN: await broker.admin() })
const events = (jsonLines: string) =>
  jsonLines
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

it.each([
  ['in the store', inStore],
  ['through the broker', throughBroker],
])(
  'lists what the filters mean, the newest first: %s',
  async (_where, audit) => {
    const { status, stdout, stderr } = await audit('list', '--lease', minted.lease.id)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const [heading, ...rows] = stdout.trimEnd().split('\n')
    expect(heading).toMatch(/^SEQ +AT +TYPE +ACTOR +TASK, LEASE +WHAT$/)
    expect(rows.map((row) => row.split(/ {2,}/)[2])).toEqual([
      'lease.evidence',
      'lease.revoked',
      'lease.retired',
      'lease.minted',
      'lease.intended',
    ])
    expect(rows[0]).toContain('result dead')
    const types = async (...args: string[]) =>
      JSON.parse((await audit('list', '--json', ...args)).stdout).items.map(
        ({ type }: { type: string }) => type,
      )
    const [, , , denied] = await types('--run', `run_id=${run.run_id}`, '--limit', '9')
    expect(denied).toBe('task.ended')
    expect(await types('--request', refused.request_id)).toEqual(['request.denied'])
    expect(await types('--fingerprint', minted.lease.fingerprint, '--type', 'lease.minted')).toEqual([
      'lease.minted',
    ])
    expect(await types('--since', '2100-01-01T00:00:00Z')).toEqual([])
    expect(await types('--task', task.id, '--agent', 'other')).toEqual([])
  },
  60_000,
)

it('says that there is more, and that nothing matches', async () => {
  const { stdout, stderr } = await inStore('list', '--limit', '2')
  expect(stdout.trimEnd().split('\n')).toHaveLength(3)
  expect(stderr).toContain('there may be more')
  expect(await inStore('list', '--agent', 'nobody')).toMatchObject({ status: 0, stdout: 'no events match\n' })
}, 30_000)

it('shows one event, a lease or a request with everything that is on record', async () => {
  const { stdout } = await inStore('show', refused.request_id)
  expect(stdout).toMatch(/^event \d+ request\.denied at 20/)
  for (const part of [
    `task         ${task.id}`,
    'data.code    out_of_scope',
    'data.detail  {"type":"github"',
  ])
    expect(stdout).toContain(part)
  const { items } = JSON.parse((await throughBroker('show', minted.lease.id, '--json')).stdout)
  expect(items[0]).toMatchObject({ type: 'lease.intended', lease: minted.lease.id })
  const one = JSON.parse((await inStore('show', String(items[0].seq), '--json')).stdout)
  expect(one.items).toEqual([items[0]])
  const missing = await throughBroker('show', '99999')
  expect(missing).toMatchObject({ status: 1, stdout: '' })
  expect(missing.stderr).toContain('mayfly: not_found: there is no such event')
  expect((await inStore('show', 'task_x')).stderr).toContain('nothing is on record about it')
  expect((await inStore('show', 'nonsense')).status).toBe(2)
}, 60_000)

it('exports the same both ways, all of it, the oldest first, and no secret', async () => {
  const [here, there] = [await inStore('export'), await throughBroker('export')]
  expect(here).toMatchObject({ status: 0, stderr: '' })
  expect(there.stdout).toBe(here.stdout)
  const all = events(here.stdout)
  expect(all.map(({ seq }) => seq)).toEqual(all.map((_, index) => index + 1))
  expect(found(here.stdout, [task.task_token, minted.credential.token])).toEqual([])
}, 30_000)

it('an export is verified without the store: whole, in part, and also from stdin', async () => {
  const { stdout } = await inStore('export')
  const file = join(broker.directory, 'record.jsonl')
  const verify = async (text: string, ...args: string[]) => {
    await writeFile(file, text)
    return inStore('verify', '--export', file, ...args)
  }
  const lines = stdout.trimEnd().split('\n')
  const last = JSON.parse(lines.at(-1)!)
  expect(await verify(stdout)).toMatchObject({
    status: 0,
    stdout: `intact: ${lines.length} events, head ${last.seq}:${last.mac}\n`,
  })
  expect(await verify(stdout, '--head', `${last.seq}:${last.mac}`)).toMatchObject({ status: 0 })
  // What one day is, is whole by itself.
  expect(await verify(lines.slice(3).join('\n'))).toMatchObject({ status: 0 })
  const bad = async (text: string, ...args: string[]) => {
    const { status, stdout: said } = await verify(text, '--json', ...args)
    expect(status).toBe(1)
    const { intact, first_bad_seq, discrepancies } = JSON.parse(said)
    expect(intact).toBe(false)
    return { first_bad_seq, messages: discrepancies.map(({ message }: { message: string }) => message) }
  }
  const altered = (index: number, change: object) =>
    lines.with(index, JSON.stringify({ ...JSON.parse(lines[index]!), ...change })).join('\n')
  const unlike = ['it is not as it was written']
  expect(await bad(altered(2, { actor: 'admin:eve' }))).toEqual({ first_bad_seq: 3, messages: unlike })
  expect(await bad(altered(2, { at: '2026-01-01T00:00:00.000Z' }))).toEqual({
    first_bad_seq: 3,
    messages: unlike,
  })
  expect(await bad(altered(2, { previous: last.mac }))).toEqual({ first_bad_seq: 3, messages: unlike })
  expect(await bad(altered(2, { damaged: 'x' }))).toEqual({ first_bad_seq: 3, messages: unlike })
  expect(await bad(lines.toSpliced(3, 1).join('\n'))).toEqual({
    first_bad_seq: 4,
    messages: ['it is missing'],
  })
  const twice = await bad([...lines, lines[1]].join('\n'))
  expect(twice.messages[0]).toContain('out of order')
  const cut = await bad(lines.slice(0, -1).join('\n'), '--head', `${last.seq}:${last.mac}`)
  expect(cut).toMatchObject({ first_bad_seq: last.seq })
  for (const nonsense of [altered(2, { note: 'nobody vouches for this' }), `${lines[0]}\n{"seq":2}`, 'x']) {
    const { status, stderr } = await verify(nonsense)
    expect(status).toBe(1)
    expect(stderr).toMatch(/^mayfly: not_intact: line \d is no event of a record: .+\n {2}.+\n$/)
  }
  const piped = startMayfly(['audit', 'verify', '-c', broker.file, '--export', '-'])
  piped.process.stdin!.end(stdout)
  expect(await piped.ended).toMatchObject({ status: 0 })
}, 120_000)

it('what was altered in the store is exported as it stands, and named', async () => {
  const { stdout } = await inStore('export', '--type', 'task.opened')
  const [opened, ...more] = events(stdout)
  expect(more).toHaveLength(1)
  const file = join(broker.directory, 'some.jsonl')
  await writeFile(file, stdout)
  // With a filter there are gaps, and each event that is there is genuine.
  const { discrepancies } = JSON.parse((await inStore('verify', '--export', file, '--json')).stdout)
  expect(discrepancies).toEqual([{ seq: opened.seq + 1, message: expect.stringMatching(/^it is missing/) }])
  await rm(file)
}, 30_000)

it('who stops reading stops the export', async () => {
  const script = `${process.execPath} src/cli/main.ts audit export -c ${broker.file} | head -n 1`
  const child = spawn('bash', ['-o', 'pipefail', '-c', script], { stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part) => (text += part))
  expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0)
  expect(events(text)).toMatchObject([{ seq: 1, type: 'broker.started' }])
}, 30_000)

it("a workload's token reads nothing", async () => {
  const env = { MAYFLY_URL: broker.url, MAYFLY_TOKEN: await broker.workload() }
  for (const command of [['list'], ['show', '1'], ['export']])
    expect(await mayfly(['audit', ...command], env)).toMatchObject({ status: 1, stdout: '' })
}, 30_000)
