/** A process that opens the store at its first argument, writes one event, says so, and holds on until it is killed. */
import { createSeal } from '../../src/base/seal.ts'
import { auditTrail } from '../../src/store/audit.ts'
import { openSqlite } from '../../src/store/sqlite.ts'

const [path = ''] = process.argv.slice(2)
const store = await openSqlite(path, createSeal([{ id: 'k1', secret: Buffer.alloc(32, 1) }]))
await store.unit.write(async (tx) =>
  auditTrail().record(tx, { at: 0, type: 'broker.started', actor: 'broker' }),
)
process.stdout.write('held\n')
setInterval(() => undefined, 60_000)
