/** The same server without a process of its own: for what asks it thousands of times, or speaks HTTP. */
import { Client, type ClientOptions, InMemoryTransport } from '@modelcontextprotocol/client'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { onTestFinished } from 'vitest'
import { redact } from '../../src/broker/logger.ts'
import { parseScope } from '../../src/cli/scope.ts'
import { createClient } from '../../src/client/client.ts'
import { Accesses } from '../../src/client/mcp/accesses.ts'
import type { Session } from '../../src/client/mcp/server.ts'
import { createServer } from '../../src/client/mcp/server.ts'
import type { TestBroker } from '../support/broker.ts'
import { type Connected, toolCalls, type Version } from './client.ts'

/** A session outside of any task, with fresh identity tokens. */
export function sessionAt(
  broker: TestBroker,
  { claims, fetch }: { claims?: Record<string, unknown>; fetch?: typeof globalThis.fetch } = {},
): Session {
  const client = createClient({ url: broker.url, ...(fetch && { fetch }) })
  const token = () => broker.workload(claims)
  const accesses = new Accesses({ client, token })
  onTestFinished(() => accesses.completeAll())
  return { client, task: undefined, token, accesses, parseScope, redact, version: '0' }
}

/** `sent` hears every message of the server's. */
export async function connectTo(
  session: Session,
  version: Version,
  options: ClientOptions = {},
  sent: (message: object) => void = () => undefined,
): Promise<Omit<Connected, 'stderr'>> {
  const [near, far] = InMemoryTransport.createLinkedPair()
  const send = far.send.bind(far)
  far.send = async (message, more) => {
    sent(message)
    await send(message, more)
  }
  const server = serveStdio(() => createServer(session), { transport: far })
  const client = new Client(
    { name: 'test', version: '1' },
    { ...options, versionNegotiation: { mode: version === '2025-11-25' ? 'legacy' : { pin: version } } },
  )
  await client.connect(near)
  const close = async () => {
    await client.close()
    await server.close()
  }
  onTestFinished(close)
  return { client, call: toolCalls(client), close }
}
