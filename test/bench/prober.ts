/** Asks for a page again and again, each time on a new connection, in a process of its own: what a liveness probe sees. */
import { get } from 'node:http'
import { setTimeout } from 'node:timers/promises'

const [url = '', everyMs = '20'] = process.argv.slice(2)
const series: number[] = []
let failures = 0
let asking = true

function ask(): Promise<void> {
  return new Promise((resolve) => {
    const started = performance.now()
    const fail = () => {
      failures += 1
      resolve()
    }
    get(url, { agent: false }, (response) => {
      response.resume().on('end', () => {
        series.push(performance.now() - started)
        if (response.statusCode !== 200) failures += 1
        resolve()
      })
    }).on('error', fail)
  })
}

export interface Probed {
  /** Milliseconds that each took, from the connection on. */
  series: number[]
  failures: number
}

process.on('message', () => (asking = false))
while (asking) {
  await ask()
  await setTimeout(Number(everyMs))
}
process.send!({ series, failures } satisfies Probed, () => process.disconnect())
