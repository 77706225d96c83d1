/**
 * `fetch` for calls to upstreams, at a fraction of its CPU: answers are read whole, nothing is
 * followed or unpacked, and there is nothing else of a browser (docs/decisions/0036, 0062).
 */
import type { Dispatcher } from 'undici'
import { isOver } from '../base/clock.ts'
import type { UpstreamFetch, UpstreamResponse } from './upstream-fetch.ts'
import { markProxy, type Outbound, waysOut } from './ways.ts'

/** Bytes of an answer's body: no upstream answers with as much. */
const bodyLimit = 16 * 2 ** 20

/** @throws Error where the environment names a proxy that is none. */
export function pooledFetch(given: Outbound): UpstreamFetch {
  const wayTo = waysOut(given)
  return async (input, { method = 'GET', headers = [], body = null, signal } = {}) => {
    const url = new URL(input)
    const { dispatcher, proxy } = await wayTo(url)
    try {
      return await dispatched(
        dispatcher,
        {
          origin: url.origin,
          path: `${url.pathname}${url.search}`,
          method: method as Dispatcher.HttpMethod,
          // Without this, RFC 9110 §12.5.3, an answer may be packed in any way.
          headers: {
            'accept-encoding': 'identity',
            ...(Array.isArray(headers) ? Object.fromEntries(headers) : headers),
          },
          body,
        },
        signal ?? undefined,
      )
    } catch (error) {
      markProxy(error, proxy)
      throw error
    }
  }
}

function dispatched(
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  signal: AbortSignal | undefined,
): Promise<UpstreamResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<UpstreamResponse>()
  if (signal?.aborted) {
    reject(signal.reason)
    return promise
  }
  let controller: Dispatcher.DispatchController | undefined
  const abort = () => {
    reject(signal!.reason)
    controller?.abort(signal!.reason as Error)
  }
  const done = () => signal?.removeEventListener('abort', abort)
  signal?.addEventListener('abort', abort)
  let answer: { status: number; headers: Map<string, string> }
  let chunks: Buffer[] = []
  let length = 0
  dispatcher.dispatch(options, {
    // Right before it leaves. What upstream is asked too late, nobody waits for or looks for any more.
    onRequestStart(started) {
      if (signal && isOver(signal)) started.abort(signal.reason as Error)
      controller = started
    },
    onResponseStart(_controller, status, received) {
      answer = { status, headers: joined(received) }
      chunks = []
    },
    onResponseData(reading, chunk) {
      length += chunk.length
      if (length > bodyLimit) reading.abort(new Error(`an answer is longer than ${bodyLimit} bytes`))
      else chunks.push(chunk)
    },
    onResponseEnd() {
      done()
      const text = (chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length)).toString()
      resolve({ ...answer, text: () => Promise.resolve(text) })
    },
    onResponseError(_controller, error) {
      done()
      reject(error)
    },
  })
  return promise
}

/** Several of one name as one (RFC 9110 §5.3). */
function joined(headers: Record<string, string | string[] | undefined>): Map<string, string> {
  const byName = new Map<string, string>()
  for (const name in headers) byName.set(name, [headers[name] ?? []].flat().join(', '))
  return byName
}
