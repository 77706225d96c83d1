/** `fetch` for whatever leaves this process: through the proxy that there is, and with a CA of one's own (docs/decisions/0023). */
import { proxiesOf } from './proxies.ts'
import { markProxy, type Outbound, waysOut } from './ways.ts'

/** @throws Error where the environment names a proxy that is none. */
export function outboundFetch(given: Outbound): typeof globalThis.fetch {
  if (!proxiesOf(given.env) && !given.ca) return globalThis.fetch
  const wayTo = waysOut(given)
  return (async (input: string | URL | Request, init?: RequestInit) => {
    const { dispatcher, proxy } = await wayTo(new URL(input instanceof Request ? input.url : input))
    const { fetch } = await import('undici')
    try {
      // The platform's own fetch is the same code with types of its own.
      return await fetch(input as string, { ...(init as object), dispatcher })
    } catch (error) {
      markProxy(error, proxy)
      throw error
    }
  }) as typeof globalThis.fetch
}
