/** The command line as its users meet it: a process with arguments, an environment, two streams and a status. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

export const cliMain = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

export interface Outcome {
  status: number | null
  stdout: string
  stderr: string
}

export interface Running {
  process: ChildProcess
  /** What has been printed so far. */
  stdout(): string
  /** The same on stderr. */
  stderr(): string
  /** Resolves once `wanted` is on stdout. */
  printed(wanted: string | RegExp): Promise<void>
  /** The same on stderr. */
  said(wanted: string | RegExp): Promise<void>
  ended: Promise<Outcome>
}

type Environment = Record<string, string | undefined>

/** What of our own environment every process gets. */
export function surroundings(): Environment {
  const { PATH, TMPDIR, NODE_COMPILE_CACHE } = process.env
  return { PATH, TMPDIR, NODE_COMPILE_CACHE }
}

/** Runs it to its end. */
export function mayfly(args: string[], env: Environment = {}): Promise<Outcome> {
  return startMayfly(args, env).ended
}

/** Starts it, with nothing of ours in its environment but what is given. */
export function startMayfly(args: string[], env: Environment = {}): Running {
  const child = spawn(process.execPath, [cliMain, ...args], { env: { ...surroundings(), ...env } })
  onTestFinished(() => void child.kill('SIGKILL'))
  const output = { stdout: '', stderr: '' }
  const watchers = new Set<() => void>()
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      output[stream] += text
      for (const watch of watchers) watch()
    })
  const ended = new Promise<Outcome>((resolve) =>
    child.on('close', (status) => resolve({ status, ...output })),
  )
  const on = (stream: 'stdout' | 'stderr') => (wanted: string | RegExp) =>
    new Promise<void>((resolve, reject) => {
      const watch = () => {
        if (output[stream].match(wanted)) resolve()
      }
      watchers.add(watch)
      watch()
      void ended.then(() => reject(new Error(`it ended without printing ${wanted}: ${output.stderr}`)))
    })
  return {
    process: child,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    printed: on('stdout'),
    said: on('stderr'),
    ended,
  }
}
