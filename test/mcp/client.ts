/** The official client of the protocol, at each version that is spoken, with `mayfly mcp` as its server. */
import { fileURLToPath } from 'node:url'
import { Client, type ClientOptions } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { onTestFinished } from 'vitest'
import { surroundings } from '../support/mayfly.ts'

export const versions = ['2026-07-28', '2025-11-25'] as const
export type Version = (typeof versions)[number]

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

export interface Connected {
  client: Client
  /** All that the server has said beside the protocol. */
  stderr: () => string
  /** A tool's answer: its text, what is behind it, and whether it is a refusal. */
  call(
    name: string,
    args?: Record<string, unknown>,
    // oxlint-disable-next-line no-explicit-any -- tests look into answers freely; a wrong guess fails the test
  ): Promise<{ text: string; value: any; refused: boolean }>
  close(): Promise<void>
}

/** Starts `mayfly mcp` with `env`, and speaks to it. */
export async function connectMcp(
  version: Version,
  env: Record<string, string>,
  options: ClientOptions = {},
): Promise<Connected> {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [main, 'mcp'],
    env: { ...surroundings(), ...env } as Record<string, string>,
    stderr: 'pipe',
  })
  let said = ''
  transport.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const client = new Client(
    { name: 'test', version: '1' },
    {
      ...options,
      versionNegotiation: { mode: version === '2025-11-25' ? 'legacy' : { pin: version } },
    },
  )
  await client.connect(transport)
  const close = () => client.close()
  onTestFinished(close)
  return { client, stderr: () => said, call: toolCalls(client), close }
}

/** Calls tools, and takes their answers apart. */
export function toolCalls(client: Client): Connected['call'] {
  return async (name, args = {}) => {
    const answer = await client.callTool({ name, arguments: args })
    const [first] = answer.content as { text?: string }[]
    return { text: first?.text ?? '', value: answer.structuredContent, refused: answer.isError === true }
  }
}
