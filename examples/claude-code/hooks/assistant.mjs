/** The process of Claude Code that a hook of this plugin runs for, and whether it is still there. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'

/** The shell in between. Of the assistant's own command line nothing counts but its beginning: a prompt may stand in it. */
const ofHook = /^\S*sh (?:-\S+ )+.*hooks\/\w+\.mjs/s

/** `{ pid, born }`; undefined where the machine does not tell. */
export function assistant() {
  const parent = read(process.ppid)
  const found = parent && ofHook.test(parent.command) ? read(parent.parent) : parent
  return found && { pid: found.pid, born: found.born }
}

/** Whether that very process lives: a number is given again, and with it comes another time of birth. */
export function lives({ pid, born }) {
  const found = read(pid)
  return found?.born === born && found.state !== 'Z'
}

const read = existsSync('/proc/self/stat') ? fromProc : fromPs

/** Linux, where an image may be without `ps`. */
export function fromProc(pid) {
  try {
    // The second field is a name in brackets, which may hold anything.
    const [state, parent, ...rest] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
    return { pid, state, parent: Number(parent), born: rest[17], command }
  } catch {
    return undefined
  }
}

/** macOS and the BSDs. */
export function fromPs(pid) {
  try {
    const options = {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'ignore'],
    }
    const line = execFileSync('ps', ['-o', 'ppid=,state=,lstart=,args=', '-p', String(pid)], options)
    const [, parent, state, born, command] = /^ *(\d+) +(\w)\S* +(\S+ +\S+ +\d+ [\d:]+ \d+) +(.*)$/m.exec(
      line,
    )
    return { pid, state, parent: Number(parent), born, command }
  } catch {
    return undefined
  }
}
