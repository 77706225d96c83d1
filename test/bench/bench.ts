/** `npm run bench`: what the broker costs beside what no broker can do without, in the same run (docs/performance.md). */
import { parseArgs } from 'node:util'
import { enginesOf } from './database.ts'
import { drain } from './drain.ts'
import { many } from './many.ts'
import { operations } from './operations.ts'
import { scale } from './scale.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    clients: { type: 'string', default: '200' },
    seconds: { type: 'string' },
    leases: { type: 'string' },
    store: { type: 'string', default: 'sqlite' },
    json: { type: 'boolean', default: false },
  },
})

const [what = 'operations'] = positionals
/**
 * By name, each with its usual number of seconds, which a drain is given to open what will be due,
 * and of leases.
 */
const measurements = {
  operations: { measure: operations, seconds: 10, leases: 0 },
  many: { measure: many, seconds: 30, leases: 0 },
  drain: { measure: drain, seconds: 120, leases: 10_000 },
  scale: { measure: scale, seconds: 0, leases: 1_000_000 },
}
const chosen = measurements[what as keyof typeof measurements]
if (!chosen) throw new Error(`${what} is none of ${Object.keys(measurements).join(', ')}`)
const { lines, result, failed } = await chosen.measure({
  clients: Number(values.clients),
  seconds: Number(values.seconds ?? chosen.seconds),
  leases: Number(values.leases ?? chosen.leases),
  engines: enginesOf(values.store),
})
console.log(values.json ? JSON.stringify(result) : lines.join('\n'))
if (failed) process.exitCode = 1
