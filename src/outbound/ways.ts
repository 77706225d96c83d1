/** How a request leaves: by itself or through the proxy that there is, and whom it trusts (docs/decisions/0023). */
import { rootCertificates } from 'node:tls'
import type { Dispatcher } from 'undici'
import { proxiesOf } from './proxies.ts'

export interface Outbound {
  env: Record<string, string | undefined>
  /** PEM: trusted in place of the public ones, which must not be able to speak for the host. */
  ca?: readonly string[] | undefined
}

interface Way {
  dispatcher: Dispatcher
  /** The host of the proxy that it leads through. */
  proxy: string | undefined
}

/** The way to a URL; each keeps its connections. @throws Error where the environment names a proxy that is none. */
export function waysOut({ env, ca }: Outbound): (url: URL) => Promise<Way> {
  const proxyFor = proxiesOf(env)
  const ways = new Map<string | undefined, Way>()
  return async (url) => {
    const proxy = proxyFor?.(url)
    const known = ways.get(proxy?.href)
    if (known) return known
    // Loaded when it is wanted: most of the command line never is.
    const { Agent, ProxyAgent } = await import('undici')
    const trust = ca && { ca: [...ca] }
    const dispatcher = proxy
      ? new ProxyAgent({ uri: proxy.href, ...(trust && { requestTls: trust, proxyTls: beside(trust) }) })
      : new Agent(trust && { connect: trust })
    const way = { dispatcher, proxy: proxy?.host }
    ways.set(proxy?.href, way)
    return way
  }
}

/** The proxy itself may be anybody's, or the CA's own. */
const beside = ({ ca }: { ca: string[] }) => ({ ca: [...rootCertificates, ...ca] })

/** Marks an error as one of a request that left through this proxy. */
export function markProxy(error: unknown, proxy: string | undefined): void {
  if (proxy !== undefined && error instanceof Error) Object.assign(error, { proxy })
}
