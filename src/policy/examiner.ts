/** Entry point of the thread in which `elsewhere.ts` examines policies. */
import { parentPort, workerData } from 'node:worker_threads'
import type { Order, Portion } from './elsewhere.ts'
import { examine } from './examine.ts'

/** Policies sent at once: whoever receives them has to read them in one go. */
const perPortion = 100

const { schema, files } = workerData as Order
const { policies, unparsed, invalid } = examine(schema, files)
let sent = 0

function send(): void {
  const portion: Portion = {
    policies: policies.slice(sent, sent + perPortion),
    unparsed: sent === 0 ? unparsed : [],
    invalid: sent === 0 ? invalid : [],
    last: sent + perPortion >= policies.length,
  }
  sent += perPortion
  parentPort!.postMessage(portion)
}

parentPort!.on('message', send)
send()
