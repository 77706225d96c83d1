/** The plugin of examples/claude-code: its hooks fed with what Claude Code feeds them. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { pluginFor } from '../support/claude-code.ts'
import { rows } from '../support/database.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { noForcedPush } from '../support/tool-policies.ts'

const broker = await sharedBroker({ files: noForcedPush('Bash') })

const { home, bin, folder, session } = pluginFor(broker)
/** The last to be written counts, as in a shell. */
const taskOf = (environment: string) => [...environment.matchAll(/MAYFLY_TASK='(task_\w+)'/g)].at(-1)?.[1]
const statusOf = async (id: string | undefined) => {
  const { body } = await broker.call('GET', '/v1/admin/tasks', { token: await broker.admin() })
  const { status, end_reason } = body.items.find((task: { id: string }) => task.id === id)
  return { status, end_reason }
}
const bash = (command: string) => ({ tool_name: 'Bash', tool_input: { command }, tool_use_id: 'toolu_1' })
const silent = { status: 0, stdout: '', stderr: '' }

test('a session is a task: opened, asked before each call, told after it, completed at its end', async () => {
  const claude = session('one')
  expect(await claude.hook('SessionStart', { source: 'startup' })).toEqual(silent)
  const task = taskOf(claude.environment())
  expect(await statusOf(task)).toMatchObject({ status: 'active' })
  expect(await claude.hook('UserPromptSubmit', { prompt: 'refactor the parser' })).toEqual(silent)

  expect(await claude.hook('PreToolUse', bash('git push'))).toEqual(silent)
  expect(await claude.hook('PostToolUse', { ...bash('git push'), tool_response: {} })).toEqual(silent)
  expect(await claude.hook('PostToolUseFailure', { ...bash('false'), error: 'it failed' })).toEqual(silent)
  const denied = await claude.hook('PreToolUse', bash('git push --force'))
  expect(JSON.parse(denied.stdout)).toEqual({
    hookSpecificOutput: {
      hookEventName: 'PreToolUse',
      permissionDecision: 'deny',
      permissionDecisionReason: expect.stringContaining('Nobody rewrites history'),
    },
  })

  // A resumed session goes on in its task.
  await claude.hook('SessionStart', { source: 'resume' })
  expect(await claude.hook('SessionEnd', { reason: 'prompt_input_exit' })).toEqual(silent)
  expect(await statusOf(task)).toEqual({ status: 'completed', end_reason: 'completed' })
  const recorded = JSON.stringify(rows(broker, 'audit_events'))
  expect(recorded).toContain('succeeded')
  expect(recorded).not.toContain('it failed')
})

test('its token is for its own user alone, and gone with it', async () => {
  const claude = session('two')
  await claude.hook('SessionStart', { source: 'startup' })
  expect(statSync(join(folder, 'two.json')).mode & 0o777).toBe(0o600)
  await claude.hook('SessionEnd', { reason: 'clear' })
  expect(readdirSync(folder)).not.toContain('two.json')
})

test('a changed configuration ends the task, and what is asked after that is denied', async () => {
  const claude = session('three')
  await claude.hook('SessionStart', { source: 'startup' })
  const task = taskOf(claude.environment())
  expect(await claude.hook('ConfigChange', { source: 'project_settings' })).toEqual(silent)
  writeFileSync(join(home, 'web/.claude/settings.json'), '{"permissions":{"allow":["Bash"]}}')
  const { stderr } = await claude.hook('ConfigChange', { source: 'project_settings' })
  expect(stderr).toContain('context_changed')
  expect(await statusOf(task)).toEqual({ status: 'revoked', end_reason: 'context_changed' })
  expect((await claude.hook('PreToolUse', bash('ls'))).stdout).toContain('"permissionDecision":"deny"')
})

test('without a broker, or a task, no tool is called', async () => {
  const lost = session('four', { MAYFLY_URL: 'http://127.0.0.1:9' })
  expect((await lost.hook('PreToolUse', bash('ls'))).stdout).toContain('no task')
  expect((await lost.hook('SessionStart', { source: 'startup' })).status).not.toBe(0)
})

/** Claude Code takes every other status than 2 for a hook that broke, and calls the tool. */
test.each([
  ['with no input', {}, ''],
  ['with half of its input', {}, '{"session_id":"five","hook_event'],
  ['with input that is no event', {}, '{}'],
  ['without node', { PATH: bin }, undefined],
  ['without its script', { CLAUDE_PLUGIN_ROOT: home }, undefined],
])('a hook %s blocks the call', async (_how, env, input) => {
  const claude = session('five', env)
  expect(await claude.hook('PreToolUse', bash('ls'), input)).toMatchObject({ status: 2, stdout: '' })
})

const ended = {
  'has ended': async ({ id, token }: { id: string; token: string }) => {
    await broker.call('POST', `/v1/tasks/${id}/complete`, { token })
  },
  'is not known any more': async (task: { id: string; token: string; agent: string }) =>
    writeFileSync(join(folder, 'six.json'), JSON.stringify({ ...task, token: `mft_${'A'.repeat(43)}` })),
}

test.each(Object.entries(ended))('a session whose task %s is resumed in another', async (_how, end) => {
  const claude = session('six')
  await claude.hook('SessionStart', { source: 'startup' })
  const first = taskOf(claude.environment())
  await end(JSON.parse(readFileSync(join(folder, 'six.json'), 'utf8')))
  expect(await claude.hook('SessionStart', { source: 'resume' })).toEqual(silent)
  const second = taskOf(claude.environment())
  expect(second).not.toBe(first)
  expect(await statusOf(second)).toMatchObject({ status: 'active' })
  expect(await claude.hook('PreToolUse', bash('ls'))).toEqual(silent)
  await claude.hook('SessionEnd', { reason: 'clear' })
})

test('nothing is left of a session whose task was not known any more at its end', async () => {
  const claude = session('six')
  await claude.hook('SessionStart', { source: 'startup' })
  await ended['is not known any more'](JSON.parse(readFileSync(join(folder, 'six.json'), 'utf8')))
  expect(await claude.hook('SessionEnd', { reason: 'clear' })).toEqual(silent)
  expect(readdirSync(folder)).not.toContain('six.json')
})

test('while the broker is away a resumed session keeps its task', async () => {
  const claude = session('seven')
  await claude.hook('SessionStart', { source: 'startup' })
  const kept = readFileSync(join(folder, 'seven.json'), 'utf8')
  const lost = session('seven', { MAYFLY_URL: 'http://127.0.0.1:9' })
  expect((await lost.hook('SessionStart', { source: 'resume' })).status).toBe(1)
  expect((await lost.hook('SessionEnd', { reason: 'clear' })).status).toBe(1)
  expect(readFileSync(join(folder, 'seven.json'), 'utf8')).toBe(kept)
  expect(await claude.hook('SessionEnd', { reason: 'clear' })).toEqual(silent)
})
