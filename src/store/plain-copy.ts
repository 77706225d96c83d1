/** Tells a plain copy of the file of a running broker: what was in SQLite's log, the newest events, is not in it. */
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import type { Discrepancy } from '../audit/verify.ts'
import type { Seal } from '../base/seal.ts'
import type { Tx } from '../base/unit.ts'
import { holderOf } from './head.ts'
import type { Outside } from './last-head.ts'
import type { Statements } from './statements.ts'
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

const tornCopy =
  'it is a plain copy of the file of a running broker, and lacks what was in its log, the newest events among it'

/**
 * Why a file without its log is not to be relied on: a broker that lets go of its file says so in it. Where a head that
 * was kept outside is known, that tells: whoever opens the file of a broker that was killed moves the log into it, and
 * nothing is lacking then.
 */
export async function tornCopyDoubt(
  statements: Statements,
  seal: Seal,
  { known, fault }: Outside,
): Promise<string | undefined> {
  if (known || fault !== undefined) return undefined
  return (await holderOf(statements, seal)) && tornCopy
}

/** The same of one that is only read. */
export async function plainCopyFault(tx: Tx, outside: Outside): Promise<Discrepancy | undefined> {
  const { statements, seal } = bound(tx)
  const message = await tornCopyDoubt(statements, seal, outside)
  return message === undefined ? undefined : { message }
}
