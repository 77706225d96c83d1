/** The broker under load as `mayfly serve` runs it, in a process of its own: the operating system counts its CPU. */
import { providers } from '../../providers/catalog.ts'
import { systemClock } from '../../src/base/clock.ts'
import { startBroker } from '../../src/broker/broker.ts'
import { compileSooner } from '../../src/broker/compile-sooner.ts'
import { createLogger } from '../../src/broker/logger.ts'

const began = performance.now()
compileSooner()
const broker = await startBroker(process.argv[2]!, {
  clock: systemClock(),
  log: createLogger({
    write: (line) => void (/"level":"error"/.test(line) && process.stderr.write(`${line.slice(0, 300)}\n`)),
  }),
  providers,
  env: process.env,
})

export interface Usage {
  /** User and system, milliseconds. */
  cpu: number
  /** Resident memory, bytes. */
  rss: number
  /** Milliseconds that the start took. */
  started: number
}

const started = performance.now() - began
process.on('message', (message) => {
  if (message === 'usage') {
    const { user, system } = process.cpuUsage()
    process.send!({ cpu: (user + system) / 1000, rss: process.memoryUsage.rss(), started } satisfies Usage)
  }
  if (message === 'reload') void broker.reload().then((faults) => process.send!(faults))
  if (message === 'stop') void broker.close().then(() => process.exit(0))
})
process.send!('ready')
