/** The demo's broker: `mayfly serve` in a process of its own, so that it can be killed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { extname } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** As this file is: run as it is written, or built. */
const main = fileURLToPath(new URL(`../cli/main${extname(import.meta.url)}`, import.meta.url))

const startWithinMs = 30_000

export interface Served {
  /** `kill -9`. */
  kill(): Promise<void>
  /** Starts it again on what it left behind. */
  start(): Promise<void>
  stop(): Promise<void>
}

/** Starts a broker of the configuration `file`, which answers at `url` and logs to `log`. */
export async function serve(file: string, { url, log }: { url: string; log: string }): Promise<Served> {
  let child: ChildProcess | undefined
  const end = async (signal: 'SIGKILL' | 'SIGTERM') => {
    const ended = child && child.exitCode === null && child.signalCode === null && once(child, 'exit')
    child?.kill(signal)
    await ended
    child = undefined
  }
  // However this process ends, but for the signal that no process hears of; before its folder goes.
  process.prependOnceListener('exit', () => child?.kill('SIGKILL'))
  const served: Served = {
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    async start() {
      const output = openSync(log, 'a', 0o600)
      child = spawn(process.execPath, [main, 'serve', '-c', file], {
        env: {},
        stdio: ['ignore', output, output],
      })
      closeSync(output)
      for (const until = Date.now() + startWithinMs; !(await isReady(url));) {
        if (child.exitCode !== null || Date.now() > until)
          throw new Error(`the broker does not start: see ${log}`)
        await wait(25)
      }
    },
  }
  await served.start()
  return served
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/readyz`)
    await response.body?.cancel()
    return response.ok
  } catch {
    return false
  }
}
