/** `npm run bench`: what the broker costs beside what no broker can do without, in the same run (docs/performance.md). */
import { parseArgs } from 'node:util'
import { operations } from './operations.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    clients: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '10' },
    json: { type: 'boolean', default: false },
  },
})

const [what = 'operations'] = positionals
const measurements = { operations }
const measure = measurements[what as keyof typeof measurements]
if (!measure) throw new Error(`${what} is none of ${Object.keys(measurements).join(', ')}`)
const { lines, result, failed } = await measure({
  clients: Number(values.clients),
  seconds: Number(values.seconds),
})
console.log(values.json ? JSON.stringify(result) : lines.join('\n'))
if (failed) process.exitCode = 1
