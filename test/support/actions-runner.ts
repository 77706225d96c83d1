/** GitHub's runner, as far as an action sees it: inputs and state in the environment, files to write to, and how a step is ended. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { sandboxWorkload } from '../../src/sandbox/configuration.ts'
import type { TestBroker } from './broker.ts'

const action = fileURLToPath(new URL('../../action/', import.meta.url))

export interface Step {
  status: number | null
  stdout: string
}

export interface Job {
  /** The step; it may be cancelled while it runs. */
  main(inputs: Record<string, string>): { process: ChildProcess; ended: Promise<Step> }
  post(): Promise<Step>
  outputs(): Record<string, string>
  state(): Record<string, string>
  /** Leaves of the state what was written before `name`, as if main had died then. */
  forget(name: string): void
  summary(): string
}

/** A job of the sandbox's workload, with nothing of ours in its environment. */
export async function job(
  broker: TestBroker,
  {
    claims = sandboxWorkload,
    identity = true,
  }: { claims?: Record<string, unknown>; identity?: boolean } = {},
): Promise<Job> {
  const directory = await mkdtemp(join(tmpdir(), 'mayfly-action-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const files = Object.fromEntries(
    ['GITHUB_OUTPUT', 'GITHUB_STATE', 'GITHUB_STEP_SUMMARY', 'GITHUB_ENV'].map((name) => {
      const path = join(directory, name)
      writeFileSync(path, '')
      return [name, path]
    }),
  )
  const { url, requestToken } = broker.sandbox.issuer.actions(claims)
  const surroundings = {
    PATH: process.env['PATH'],
    ...files,
    ...(identity && { ACTIONS_ID_TOKEN_REQUEST_URL: url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: requestToken }),
  }
  const written = (name: string) => readFileSync(files[name]!, 'utf8')
  const start = (script: string, env: Record<string, string | undefined>) => {
    const child = spawn(process.execPath, [join(action, script)], { env: { ...surroundings, ...env } })
    onTestFinished(() => void child.kill('SIGKILL'))
    let stdout = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    const ended = new Promise<Step>((resolve) => child.on('close', (status) => resolve({ status, stdout })))
    return { process: child, ended }
  }
  return {
    main: (inputs) => {
      const given = { url: broker.url, purpose: `a job ${randomUUID()}`, ...inputs }
      const env = Object.entries(given).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])
      return start('main.mjs', Object.fromEntries(env))
    },
    post: () => {
      const env = Object.entries(parsed(written('GITHUB_STATE'))).map(([name, value]) => [
        `STATE_${name}`,
        value,
      ])
      return start('post.mjs', Object.fromEntries(env)).ended
    },
    outputs: () => parsed(written('GITHUB_OUTPUT')),
    state: () => parsed(written('GITHUB_STATE')),
    forget: (name) => {
      const [before = ''] = written('GITHUB_STATE').split(`${name}<<`)
      writeFileSync(files['GITHUB_STATE']!, before)
    },
    summary: () => written('GITHUB_STEP_SUMMARY'),
  }
}

/** As the runner reads them: `NAME<<DELIMITER`, lines, `DELIMITER`. */
function parsed(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(/^(\w+)<<(\S+)\n([^]*?)\n\2$/gm)].map(([, name, , value]) => [name!, value!]),
  )
}
