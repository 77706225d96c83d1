/** Whose a credential is that turned up somewhere, found without showing it to the broker. */
import type { StoredLease } from '../leases/lease.ts'
import type { TaskContext } from '../tasks/context.ts'
import { type TaskView, viewOf } from '../tasks/read.ts'

/** What is known of it: at least one member. */
export interface Clue {
  /** SHA-256 of the secret, hex. */
  hash?: string | undefined
  /** What upstream calls the credential. */
  fingerprint?: string | undefined
}

export interface Finding {
  task: TaskView
  /** The credential's; null for the token of the task itself. */
  lease: StoredLease | null
}

/**
 * Everything that it may be. A task token is known until another takes its place; of a credential
 * that is over only the fingerprint is known, which for GitHub is a hash of the token too.
 */
export async function find(context: TaskContext, { hash, fingerprint }: Clue): Promise<Finding[]> {
  const { unit, tasks, leases } = context
  const base64 = hash === undefined ? [] : [Buffer.from(hash, 'hex').toString('base64')]
  const fingerprints = [...base64, ...(fingerprint === undefined ? [] : [fingerprint])]
  return await unit.read(async (tx) => {
    const own = hash === undefined ? undefined : await tasks.byTokenHash(tx, hash)
    const found: Finding[] = own ? [{ task: await viewOf(context, tx, own), lease: null }] : []
    for (const lease of await leases.ofCredential(tx, { hash, fingerprints })) {
      const task = await tasks.get(tx, lease.task)
      if (task) found.push({ task: await viewOf(context, tx, task), lease })
    }
    return found
  })
}
