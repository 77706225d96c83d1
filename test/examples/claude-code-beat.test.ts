/** The heartbeat of the plugin in examples/claude-code: there as long as Claude Code and its session are, and no longer. */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { agentFiles, subjectOf } from '../support/agents.ts'
import { pluginFor } from '../support/claude-code.ts'
import { manualClock } from '../support/clock.ts'
import { rows } from '../support/database.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until } from '../support/until.ts'

// Only what the tests advance passes as silence, however slow the machine is.
const clock = manualClock()
const broker = await sharedBroker({ clock, files: agentFiles('heard-bot', { heartbeat: '1s' }) })
const { session, folder } = pluginFor(broker, { sub: subjectOf('heard-bot') })

interface Kept {
  id: string
  token: string
  beat: string
}
const kept = (name: string): Kept => JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'))
const beatsOf = (task: string) =>
  broker.log.filter((line) => line.includes('/heartbeat') && line.includes(task)).length
const stored = (task: string) => {
  const [row] = rows(broker, 'tasks', `id = '${task}'`)
  return row!['end_reason'] ?? row!['status']
}
/** Whether a process lives that was started with this in its arguments. */
const runs = (word: string) =>
  readdirSync('/proc').some((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(word)
    } catch {
      return false
    }
  })

async function beatOnce(task: string) {
  const before = beatsOf(task)
  await until(() => beatsOf(task) > before)
}

test('a session of which nobody asks anything is heard, until Claude Code is killed', async () => {
  const claude = await session('idle').process()
  const { id, beat } = kept('idle')
  for (let turn = 0; turn < 3; turn += 1) {
    await beatOnce(id)
    await clock.advance(1_000)
  }
  expect(stored(id)).toBe('active')
  claude.kill('SIGKILL')
  await until(() => !runs(beat))
  await clock.advance(1_600)
  await until(() => stored(id) === 'heartbeat_missed')
})

test('it ends with the session', async () => {
  const claude = session('ended')
  await claude.hook('SessionStart', { source: 'startup' })
  const { id, beat } = kept('ended')
  await beatOnce(id)
  expect((await claude.hook('SessionEnd', { reason: 'clear' })).status).toBe(0)
  await until(() => !runs(beat))
  expect(stored(id)).toBe('completed')
})

test('it ends with the task, and a session that is resumed has one again, and only one', async () => {
  const claude = session('resumed')
  await claude.hook('SessionStart', { source: 'startup' })
  const first = kept('resumed')
  await claude.hook('SessionStart', { source: 'compact' })
  const second = kept('resumed')
  expect(second.id).toBe(first.id)
  await until(() => !runs(first.beat))
  await broker.call('POST', `/v1/tasks/${second.id}/complete`, { token: second.token })
  await until(() => !runs(second.beat))
  await claude.hook('SessionStart', { source: 'resume' })
  const third = kept('resumed')
  expect(third.id).not.toBe(first.id)
  await beatOnce(third.id)
  await claude.hook('SessionEnd', { reason: 'clear' })
  await until(() => !runs(third.beat))
})

test('a session is bound to the same process, whatever tells of it', async () => {
  const { fromProc, fromPs } = await import(
    new URL('../../examples/claude-code/hooks/assistant.mjs', import.meta.url).href
  )
  const { parent, command } = fromProc(process.pid)
  expect({ parent, command }).toEqual({ parent: process.ppid, command: expect.stringContaining('node') })
  expect(fromProc(0)).toBeUndefined()
  if (spawnSync('ps', ['-V']).status === 0)
    expect(fromPs(process.pid)).toMatchObject({ pid: process.pid, parent })
})
