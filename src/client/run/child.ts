/** The command that `mayfly run` runs. */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Environment } from './ambient.ts'

/** How a process came to its end. */
export type Ending = { status: number } | { signal: NodeJS.Signals }

/** The command never ran. */
export class NotStarted extends Error {
  /** As shells have it: 127 where there is no such command, 126 where it cannot be executed. */
  readonly status: 126 | 127

  constructor(command: string, code: unknown) {
    super(`${command} cannot be started (${typeof code === 'string' ? code : 'unknown error'})`)
    this.name = 'NotStarted'
    this.status = code === 'ENOENT' ? 127 : 126
  }
}

/**
 * Starts the command on this process's own streams, and in its process group: a
 * group of its own would be cut off from the terminal.
 */
export function startChild(
  [command, ...args]: readonly [string, ...string[]],
  env: Environment,
): { process: ChildProcess; ended: Promise<Ending> } {
  const child = spawn(command, args, { stdio: 'inherit', env })
  const ended = new Promise<Ending>((resolve, reject) => {
    child.on('error', (error: NodeJS.ErrnoException) => {
      // A signal that could not be delivered is told in the same way, and changes nothing.
      if (child.pid === undefined) reject(new NotStarted(command, error.code))
    })
    child.once('exit', (status, signal) => resolve(signal ? { signal } : { status: status ?? 1 }))
  })
  return { process: child, ended }
}
