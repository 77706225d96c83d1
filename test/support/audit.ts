import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Discrepancy, verifyAudit } from '../../src/audit/verify.ts'
import { createSeal } from '../../src/base/seal.ts'
import { auditTrail } from '../../src/store/audit.ts'
import { openSqliteReadOnly } from '../../src/store/sqlite.ts'
import { tables } from '../../src/store/tables.ts'
import type { TestBroker } from './broker.ts'

/** What is wrong with the record, the tables held against it; empty when nothing is. */
export async function discrepancies({ directory }: Pick<TestBroker, 'directory'>): Promise<Discrepancy[]> {
  const secret = Buffer.from(await readFile(join(directory, 'seal.key'), 'utf8'), 'base64')
  const seal = createSeal([{ id: 'k1', secret }])
  const store = await openSqliteReadOnly(join(directory, 'mayfly.db'), seal)
  try {
    const verified = await store.unit.read((tx) => verifyAudit(tx, { trail: auditTrail(), tables, seal }))
    return verified.discrepancies
  } finally {
    await store.close()
  }
}
