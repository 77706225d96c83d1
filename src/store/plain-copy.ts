/** Tells a plain copy of the file of a running broker: what was in SQLite's log, the newest events, is not in it. */
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import type { Discrepancy } from '../audit/verify.ts'
import type { Tx } from '../base/unit.ts'
import { holderOf } from './head.ts'
import { bound } from './transaction.ts'

/** In both bytes from here on 2 stands for a database that has a log (https://sqlite.org/fileformat.html, §1.3.3). */
const formatsAt = 18

/** Whether a log belongs to the file and is not there. To be asked before it is opened: that makes an empty one. */
export function isWithoutItsLog(path: string): boolean {
  const formats = Buffer.alloc(2)
  try {
    const file = openSync(path, 'r')
    try {
      readSync(file, formats, 0, 2, formatsAt)
    } finally {
      closeSync(file)
    }
  } catch {
    // Whoever opens it says what is wrong.
    return false
  }
  const log = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0
  return formats.equals(Buffer.from([2, 2])) && log === 0
}

export const tornCopy =
  'it is a plain copy of the file of a running broker, and lacks what was in its log, the newest events among it'

/** A broker that lets go of its file says so in it, and leaves no log. */
export async function plainCopyFault(tx: Tx): Promise<Discrepancy | undefined> {
  const { statements, seal } = bound(tx)
  return (await holderOf(statements, seal)) && { message: tornCopy }
}
