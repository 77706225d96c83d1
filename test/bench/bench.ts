/** `npm run bench`: what the broker costs beside what no broker can do without, in the same run (docs/performance.md). */
import { parseArgs } from 'node:util'
import { drain } from './drain.ts'
import { operations } from './operations.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    clients: { type: 'string', default: '200' },
    seconds: { type: 'string' },
    leases: { type: 'string', default: '10000' },
    json: { type: 'boolean', default: false },
  },
})

const [what = 'operations'] = positionals
/** By name, each with its usual number of seconds: a drain is given that long to open what will be due. */
const measurements = {
  operations: { measure: operations, seconds: 10 },
  drain: { measure: drain, seconds: 120 },
}
const chosen = measurements[what as keyof typeof measurements]
if (!chosen) throw new Error(`${what} is none of ${Object.keys(measurements).join(', ')}`)
const { lines, result, failed } = await chosen.measure({
  clients: Number(values.clients),
  seconds: Number(values.seconds ?? chosen.seconds),
  leases: Number(values.leases),
})
console.log(values.json ? JSON.stringify(result) : lines.join('\n'))
if (failed) process.exitCode = 1
