/** Claude Code, as far as a plugin sees it: what it starts for the plugin of examples/claude-code, and what it feeds that. */
import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, onTestFinished } from 'vitest'
import type { TestBroker } from './broker.ts'
import { cliMain } from './mayfly.ts'

export const plugin = fileURLToPath(new URL('../../examples/claude-code/', import.meta.url))
const { hooks } = JSON.parse(readFileSync(join(plugin, 'hooks/hooks.json'), 'utf8'))

/** A home with `mayfly` on PATH and a project in `~/web`, for the sessions of a file. `claims`: whose assistant it is. */
export function pluginFor(broker: TestBroker, claims?: Record<string, unknown>) {
  const home = mkdtempSync(join(tmpdir(), 'mayfly-claude-'))
  afterAll(() => rmSync(home, { recursive: true, force: true }))
  const bin = join(home, 'bin')
  mkdirSync(bin)
  writeFileSync(join(bin, 'mayfly'), `#!/bin/sh\nexec ${process.execPath} ${cliMain} "$@"\n`)
  chmodSync(join(bin, 'mayfly'), 0o755)
  mkdirSync(join(home, 'web', '.claude'), { recursive: true })

  const surroundings = {
    PATH: `${bin}:${process.env['PATH']}`,
    HOME: home,
    CLAUDE_PLUGIN_ROOT: plugin,
    CLAUDE_PROJECT_DIR: join(home, 'web'),
    MAYFLY_URL: broker.url,
    MAYFLY_SCOPE: 'github:acme/web:contents=write',
  }

  /** A session in `~/web`: each hook that is registered for an event is run as a command. */
  function session(id: string, env: Record<string, string> = {}) {
    const environment = join(home, `${id}.env`)
    /** The command of a hook, its environment, and its input. */
    async function hookOf(event: string, fields: object) {
      const told = { session_id: id, cwd: join(home, 'web'), hook_event_name: event, ...fields }
      const starting = event === 'SessionStart' && {
        CLAUDE_ENV_FILE: environment,
        MAYFLY_TOKEN: await broker.workload(claims),
      }
      return {
        command: hooks[event][0].hooks[0].command as string,
        env: { ...surroundings, ...env, ...starting },
        input: JSON.stringify(told),
      }
    }
    return {
      environment: () => readFileSync(environment, 'utf8'),
      /** `input`, where it is given, is what stdin has in place of the event. */
      async hook(event: string, fields: object = {}, input?: string) {
        const hook = await hookOf(event, fields)
        const child = spawn('/bin/sh', ['-c', hook.command], { env: hook.env })
        child.stdin.on('error', () => undefined).end(input ?? hook.input)
        const output = { stdout: '', stderr: '' }
        for (const stream of ['stdout', 'stderr'] as const)
          child[stream].on('data', (text: Buffer) => (output[stream] += String(text)))
        const status = await new Promise((resolve) => child.on('close', resolve))
        return { status, ...output }
      },
      /** A process of the assistant's own, which runs the hook of its start and then waits for a person. */
      async process(): Promise<ChildProcess> {
        const { command, env: given, input } = await hookOf('SessionStart', { source: 'startup' })
        const script = `require('node:child_process').spawnSync('/bin/sh', ['-c', process.argv[1]], { input: process.argv[2] })
          console.log('started')
          setInterval(() => undefined, 1e6)`
        const child = spawn(process.execPath, ['-e', script, command, input], { env: given })
        onTestFinished(() => void child.kill('SIGKILL'))
        await new Promise((resolve) => child.stdout.once('data', resolve))
        return child
      },
    }
  }
  return {
    home,
    bin,
    surroundings,
    session,
    /** Where the plugin keeps what it knows of a session. */
    folder: join(home, '.local/state/mayfly/claude-code'),
  }
}
