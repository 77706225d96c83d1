/** Where the broker is reached: `url`, `listen` and `tls`. */
import { X509Certificate } from 'node:crypto'
import { createServer, isIP } from 'node:net'
import type { Configuration } from '../../config/load.ts'
import { networkFault, type NetworkFault } from '../../outbound/network-fault.ts'
import { outboundFetch } from '../../outbound/fetch.ts'
import type { Check } from './check.ts'

/** How it is at `url` and `listen`. */
export interface Look {
  /** Whether a broker answers at `url`; else `fault` is why none does, where that is known. */
  answers: boolean
  fault?: NetworkFault | undefined
  /** Why `listen` cannot be listened at now; undefined where it can. */
  taken: string | undefined
}

const answerWithinMs = 5_000
const dayMs = 24 * 3600 * 1000
/** Days before its end at which a certificate should have been renewed. */
const renewal = 14

export async function lookAt({ url, listen, clientCa }: Configuration): Promise<Look> {
  return { ...(await brokerAt(url, clientCa)), taken: await bindFault(listen) }
}

/** Whether a broker may be running: one that answers, or whatever has its address. */
export const mayRun = ({ answers, taken }: Look) => answers || taken === 'EADDRINUSE'

export function checkAddress({ url, listen, tls, trustedProxies }: Configuration, look: Look): Check[] {
  const { taken } = look
  const checks: Check[] = []
  if (look.answers) checks.push({ check: 'url', status: 'ok', message: `a broker answers at ${url}` })
  else if (taken === 'EADDRINUSE')
    checks.push({
      check: 'url',
      status: 'warning',
      message: `something listens at ${listen.host}:${listen.port}, but no broker answers at ${url}${look.fault ? `: ${look.fault.words}` : ''}`,
      remedy: 'If it is the broker, check DNS, the proxy and the certificate on the way to `url`.',
    })
  else
    checks.push({ check: 'url', status: 'ok', message: `no broker answers at ${url}, and none has to now` })
  if (taken !== undefined && taken !== 'EADDRINUSE')
    checks.push({
      check: 'listen',
      status: 'fault',
      message: `the broker cannot listen at ${listen.host}:${listen.port} (${taken})`,
      remedy: 'Set `listen` to an address of this machine, and a port that this user may have.',
    })
  if (tls) checks.push(certificate(tls.cert, trustedProxies.length > 0 ? undefined : new URL(url).hostname))
  return checks
}

/** Whether what answers at `url` is a broker's health check, and if not, why, where that is known. `ca`: as clients trust it. */
async function brokerAt(
  url: string,
  ca: readonly string[] | undefined,
): Promise<Pick<Look, 'answers' | 'fault'>> {
  try {
    const response = await outboundFetch({ env: process.env, ca })(`${url}/healthz`, {
      redirect: 'error',
      signal: AbortSignal.timeout(answerWithinMs),
    })
    const { status } = (await response.json()) as { status?: unknown }
    return { answers: response.ok && status === 'ok' }
  } catch (error) {
    return { answers: false, fault: networkFault(error) }
  }
}

/** Why this address cannot be listened at now; undefined where it can. */
async function bindFault({ host, port }: Configuration['listen']): Promise<string | undefined> {
  const server = createServer()
  try {
    return await new Promise<string | undefined>((resolve) => {
      server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.name))
      server.listen({ host, port }, () => resolve(undefined))
    })
  } finally {
    server.close()
  }
}

/** `host` is what clients will look for in it; undefined where only a proxy sees it. */
function certificate(pem: string, host: string | undefined): Check {
  const check = 'tls'
  const read = new X509Certificate(pem)
  const days = Math.floor((read.validToDate.getTime() - Date.now()) / dayMs)
  const until = read.validToDate.toISOString()
  if (days < 0)
    return {
      check,
      status: 'fault',
      message: `the certificate has expired on ${until}`,
      remedy: 'Renew it, and reload the broker.',
    }
  if (host !== undefined && !isFor(read, host))
    return {
      check,
      status: 'fault',
      message: `the certificate is not for ${host}, the host of \`url\``,
      remedy: 'Name a certificate for that host, or correct `url`.',
    }
  if (days < renewal)
    return {
      check,
      status: 'warning',
      message: `the certificate expires on ${until}`,
      remedy: 'Renew it, and reload the broker.',
    }
  return { check, status: 'ok', message: `the certificate is good until ${until}` }
}

function isFor(certificate: X509Certificate, host: string): boolean {
  const address = host.replace(/^\[|\]$/g, '')
  return (isIP(address) ? certificate.checkIP(address) : certificate.checkHost(address)) !== undefined
}
