/**
 * `fetch` for calls to upstreams, at a quarter of its CPU: answers are read whole, nothing is
 * followed or unpacked, and there is nothing else of a browser (docs/decisions/0036).
 */
import type { Dispatcher } from 'undici'
import { markProxy, type Outbound, waysOut } from './ways.ts'

/** Bytes of an answer's body: no upstream answers with as much. */
const bodyLimit = 16 * 2 ** 20

/** Statuses whose answers have no body (Fetch Standard, "null body status"). */
const bodiless = [101, 103, 204, 205, 304]

/** @throws Error where the environment names a proxy that is none. */
export function pooledFetch(given: Outbound): typeof globalThis.fetch {
  const wayTo = waysOut(given)
  return (async (input: string | URL, init: RequestInit = {}) => {
    const url = new URL(input)
    const { dispatcher, proxy } = await wayTo(url)
    const { request } = await import('undici')
    const { method = 'GET', headers = [], body, signal } = init
    try {
      const {
        statusCode,
        headers: received,
        body: stream,
      } = await request(url, {
        dispatcher,
        method: method as Dispatcher.HttpMethod,
        // Without this, RFC 9110 §12.5.3, an answer may be packed in any way.
        headers: { 'accept-encoding': 'identity', ...Object.fromEntries(entriesOf(headers)) },
        body: (body ?? null) as string | null,
        ...(signal && { signal }),
      })
      const bytes = await wholeOf(stream)
      return new Response(bodiless.includes(statusCode) ? null : bytes, {
        status: statusCode,
        headers: Object.entries(received).flatMap(([name, values = []]) =>
          [values].flat().map((value): [string, string] => [name, value]),
        ),
      })
    } catch (error) {
      markProxy(error, proxy)
      throw error
    }
  }) as typeof globalThis.fetch
}

function entriesOf(headers: NonNullable<RequestInit['headers']>): Iterable<[string, string]> {
  if (Symbol.iterator in headers) return headers as Iterable<[string, string]>
  return Object.entries(headers as Record<string, string>)
}

async function wholeOf(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of stream) {
    length += chunk.length
    if (length > bodyLimit) throw new Error(`an answer is longer than ${bodyLimit} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}
