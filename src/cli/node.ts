/** The client's commands are for the Node.js that people have; the broker and what works in its place need a newer one. */
import { Failure } from './failure.ts'

const brokers = 24

/** `package.json`: the engine of the whole is that of the client. */
export const hasBrokersNode = Number.parseInt(process.versions.node, 10) >= brokers

/** @throws Failure where this Node.js is too old for `what`. */
export function needBrokersNode(what: string): void {
  if (hasBrokersNode) return
  throw new Failure(
    'failed',
    `${what} needs Node.js ${brokers} or later; this is ${process.version}`,
    'Run it with a newer one.',
  )
}

/** The broker's own code, where a command of the client's needs it. @throws Failure where this Node.js cannot load it */
export async function loadBrokers<Module>(what: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load()
  } catch (error) {
    needBrokersNode(what)
    throw error
  }
}
