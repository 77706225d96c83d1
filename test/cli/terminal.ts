/** The command line on a terminal, which `script` of util-linux lends it. */
import { spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { surroundings } from '../support/mayfly.ts'

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

/** Other systems have another program of this name. */
const script = '/usr/bin/script'

export const hasTerminal = /util-linux/.test(spawnSync(script, ['--version']).stdout?.toString() ?? '')

/** Runs it and types `typed` once `question` is shown. Both streams come as the one screen. */
export function onTerminal(
  args: string[],
  env: Record<string, string>,
  question: string,
  typed: string,
): Promise<{ status: number | null; screen: string }> {
  const words = [process.execPath, main, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`)
  // Without `exec` the shell between would die of a Ctrl-C itself, whatever the program makes of it.
  const child = spawn(script, ['-qec', `exec ${words.join(' ')}`, '/dev/null'], {
    env: { ...surroundings(), TERM: 'dumb', ...env },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let screen = ''
  let asked = false
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen += text
    if (asked || !screen.includes(question)) return
    asked = true
    child.stdin.write(typed)
  })
  return new Promise((resolve) => child.on('close', (status) => resolve({ status, screen })))
}
