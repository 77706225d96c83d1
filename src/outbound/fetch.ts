/** `fetch` for whatever leaves this process: through the proxy that there is, and with a CA of one's own (docs/decisions/0023). */
import type { Dispatcher } from 'undici'
import { proxiesOf } from './proxies.ts'

export interface Outbound {
  env: Record<string, string | undefined>
  /** PEM: trusted in place of the public ones, which must not be able to speak for the host. */
  ca?: readonly string[] | undefined
}

/** @throws Error where the environment names a proxy that is none. */
export function outboundFetch({ env, ca }: Outbound): typeof globalThis.fetch {
  const proxyFor = proxiesOf(env)
  if (!proxyFor && !ca) return globalThis.fetch
  const dispatchers = new Map<string | undefined, Dispatcher>()
  return (async (input: string | URL | Request, init?: RequestInit) => {
    const url = new URL(input instanceof Request ? input.url : input)
    const proxy = proxyFor?.(url)
    // Loaded when it is wanted: most of the command line never is.
    const { Agent, ProxyAgent, fetch } = await import('undici')
    let dispatcher = dispatchers.get(proxy?.href)
    if (!dispatcher) {
      const trust = ca && { ca: [...ca] }
      dispatcher = proxy
        ? new ProxyAgent({ uri: proxy.href, ...(trust && { requestTls: trust }) })
        : new Agent(trust && { connect: trust })
      dispatchers.set(proxy?.href, dispatcher)
    }
    try {
      // The platform's own fetch is the same code with types of its own.
      return await fetch(input as string, { ...(init as object), dispatcher })
    } catch (error) {
      if (proxy && error instanceof Error) Object.assign(error, { proxy: proxy.host })
      throw error
    }
  }) as typeof globalThis.fetch
}
