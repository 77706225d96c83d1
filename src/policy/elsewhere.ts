/** Examining policies in a thread of its own: thousands of them take seconds, and a broker has others to serve meanwhile. */
import { on } from 'node:events'
import { Worker } from 'node:worker_threads'
import { examine, type Examined, type PolicyFile } from './examine.ts'

/** Characters of policies that are examined in the time that it takes to start a thread. */
const few = 8_192

/** What the thread is started with. */
export interface Order {
  schema: string
  files: readonly PolicyFile[]
}

/** A part of what it found; it sends the next when it is asked to. */
export type Portion = Examined & { last: boolean }

export async function examineElsewhere(schema: string, files: readonly PolicyFile[]): Promise<Examined> {
  if (files.reduce((sum, { text }) => sum + text.length, 0) <= few) return examine(schema, files)
  const here = new URL(import.meta.url)
  const order: Order = { schema, files }
  // As source and as it is built, the thread's file ends as this one does.
  const worker = new Worker(new URL(here.pathname.endsWith('.ts') ? 'examiner.ts' : 'examiner.js', here), {
    workerData: order,
  })
  const examined: Examined = { policies: [], unparsed: [], invalid: [] }
  try {
    // An error in the thread ends the loop by being thrown here.
    for await (const [portion] of on(worker, 'message') as AsyncIterable<[Portion]>) {
      examined.policies.push(...portion.policies)
      examined.unparsed.push(...portion.unparsed)
      examined.invalid.push(...portion.invalid)
      if (portion.last) break
      worker.postMessage('more')
    }
    return examined
  } finally {
    await worker.terminate()
  }
}
