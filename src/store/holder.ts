/** Which process has a store, kept in the store itself: a lock beside it can be removed. */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** A process as others can find it, and what it calls itself. */
export interface Holder {
  id: string
  pid: number
  /** The boot of the machine that it runs on, and when it started in that boot; empty where the system does not tell. */
  boot: string
  started: string
}

/** What this process holds: it alone can tell that one of its own stores was never closed. */
const held = new Set<string>()

export function becomeHolder(): Holder {
  const holder = { id: randomUUID(), pid: process.pid, boot: boot(), started: startOf(process.pid) }
  held.add(holder.id)
  return holder
}

export function release({ id }: Holder): void {
  held.delete(id)
}

/**
 * Whether the holder certainly still runs. Of one on another machine, or in another
 * container, nobody can tell; it finds at its next commit that it no longer has the store.
 */
export function isRunning({ id, pid, boot: itsBoot, started }: Holder): boolean {
  if (held.has(id)) return true
  return pid !== process.pid && started !== '' && itsBoot === boot() && startOf(pid) === started
}

/** Linux's proc(5). */
function boot(): string {
  return read('/proc/sys/kernel/random/boot_id').trim()
}

/** Field 22 of `/proc/PID/stat`, behind the command, which may hold anything but ends in the last parenthesis. */
function startOf(pid: number): string {
  const stat = read(`/proc/${pid}/stat`)
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
