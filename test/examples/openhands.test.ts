/** The hooks of examples/openhands, fed with what OpenHands feeds them, and their answers read as it reads them. */
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { rows } from '../support/database.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { noForcedPush } from '../support/tool-policies.ts'

const broker = await sharedBroker({ files: noForcedPush('terminal') })

const home = mkdtempSync(join(tmpdir(), 'mayfly-openhands-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))
const example = fileURLToPath(new URL('../../examples/openhands/.openhands/', import.meta.url))
cpSync(example, join(home, '.openhands'), { recursive: true })
const hooks = JSON.parse(readFileSync(join(home, '.openhands/hooks.json'), 'utf8'))
const events = { PreToolUse: 'pre_tool_use', PostToolUse: 'post_tool_use' } as const

/** Runs the hook of an event, and tells whether OpenHands would go on: its status 2 and a decision to deny block. */
async function hook(event: keyof typeof events, env: Record<string, string>, fields: object, input?: string) {
  const [{ matcher, hooks: commands }] = hooks[events[event]]
  expect(matcher).toBe('*')
  const child = spawn('/bin/sh', ['-c', commands[0].command], {
    cwd: tmpdir(),
    env: { PATH: process.env['PATH'], HOME: home, MAYFLY_URL: broker.url, ...env },
  })
  const told = {
    event_type: event,
    session_id: 'abc-123',
    working_dir: '/workspace',
    metadata: {},
    ...fields,
  }
  child.stdin.on('error', () => undefined).end(input ?? JSON.stringify(told))
  const output = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].on('data', (text: Buffer) => (output[stream] += String(text)))
  const status = await new Promise((resolve) => child.on('close', resolve))
  const { decision, reason = '' } = output.stdout ? JSON.parse(output.stdout) : {}
  return { blocked: status === 2 || decision === 'deny', reason, status, stderr: output.stderr }
}

const terminal = (command: string) => ({ tool_name: 'terminal', tool_input: { command, is_input: false } })
const opened = async () => {
  const { id, task_token } = (await broker.open()).body
  return { MAYFLY_TASK: id, MAYFLY_TASK_TOKEN: task_token }
}

test('policy decides each call, and what came of it is on record, without its content', async () => {
  const task = await opened()
  expect(await hook('PreToolUse', task, terminal('git push'))).toMatchObject({ blocked: false, status: 0 })
  expect(await hook('PreToolUse', task, terminal('git push --force'))).toMatchObject({
    blocked: true,
    reason: expect.stringContaining('Nobody rewrites history'),
  })
  for (const is_error of [false, true]) {
    const tool_response = { is_error, content: [{ type: 'text', text: 'what it printed' }] }
    const ended = await hook('PostToolUse', task, { ...terminal('git push'), tool_response })
    expect(ended).toMatchObject({ status: 0, stderr: '' })
  }
  const recorded = JSON.stringify(rows(broker, 'audit_events'))
  for (const outcome of ['succeeded', 'failed']) expect(recorded).toContain(outcome)
  expect(recorded).not.toContain('what it printed')
})

test.each([
  ['outside a task', {}, undefined],
  [
    'whose broker is away',
    { MAYFLY_URL: 'http://127.0.0.1:9', MAYFLY_TASK: 'task_x', MAYFLY_TASK_TOKEN: 'mft_x' },
    undefined,
  ],
  ['with half of its input', {}, '{"event_type":"PreTool'],
  ['without node', { PATH: '/nowhere' }, undefined],
  ['without its script', { HOME: '/nowhere' }, undefined],
])('a call %s is blocked', async (_how, env, input) => {
  expect(await hook('PreToolUse', env, terminal('ls'), input)).toMatchObject({ blocked: true })
})

test('once the task is over nothing is called any more, and what was is said not to be on record', async () => {
  const task = await opened()
  await broker.call('POST', `/v1/tasks/${task.MAYFLY_TASK}/complete`, { token: task.MAYFLY_TASK_TOKEN })
  expect(await hook('PreToolUse', task, terminal('ls'))).toMatchObject({ blocked: true })
  expect(await hook('PostToolUse', task, terminal('ls'))).toMatchObject({
    blocked: false,
    status: 1,
    stderr: expect.stringContaining('Mayfly:'),
  })
})
