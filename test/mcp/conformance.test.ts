/** The protocol's own conformance suite, on what of it is about a server that has tools and nothing else. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { getRequestListener } from '@hono/node-server'
import { createMcpHandler } from '@modelcontextprotocol/server'
import { expect, it, onTestFinished } from 'vitest'
import { createServer } from '../../src/client/mcp/server.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { sessionAt } from './in-process.ts'

const broker = await sharedBroker()
const suite = join(import.meta.dirname, '../../node_modules/@modelcontextprotocol/conformance/dist/index.js')

/** The suite speaks HTTP: what it tries is the server that else stands behind stdin and stdout. */
async function overHttp(): Promise<string> {
  const session = sessionAt(broker)
  const handler = createMcpHandler(() => createServer(session))
  const server = createHttpServer(getRequestListener((request) => handler.fetch(request)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
}

it.each(['server-initialize', 'ping', 'tools-list'])('%s', async (scenario) => {
  const results = await mkdtemp(join(tmpdir(), 'mayfly-conformance-'))
  onTestFinished(() => rm(results, { recursive: true }))
  const args = ['server', '--url', await overHttp(), '--scenario', scenario, '-o', results]
  const { stdout } = await promisify(execFile)(process.execPath, [suite, ...args])
  expect(stdout).toMatch(/Passed: [1-9]\d*\/\d+, 0 failed/)
})
