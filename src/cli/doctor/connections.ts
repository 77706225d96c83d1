import { type Clock, withinLimit } from '../../base/clock.ts'
import type { ConnectionEntry } from '../../leases/connections.ts'
import { asProviderError } from '../../leases/upstream.ts'
import type { Finding, MightPermit } from '../../provider/upstream.ts'
import { type Check, lookWithinMs } from './check.ts'

interface Given {
  mightPermit: MightPermit
  clock: Clock
  /** Where upstreams read the broker's keys. */
  url: string
  /** Whether a broker may be running, which publishes them. */
  mayRun: boolean
}

/** Asks each connection how its upstream is; what is retired too, for it still has to revoke. */
export async function checkConnections(
  connections: readonly ConnectionEntry[],
  given: Given,
): Promise<Check[]> {
  const found = await Promise.all(connections.map((entry) => checkConnection(entry, given)))
  return found.flat()
}

/** Where nothing better is known. */
const remedies = {
  rejected:
    'It was reached, and refuses: check what the configuration says of it, and what it lets the broker do.',
  unavailable: 'Look at how it is, and at what lies between here and there; then run this again.',
}

async function checkConnection(
  { provider, name, upstream, retired }: ConnectionEntry,
  { mightPermit, clock, url, mayRun }: Given,
): Promise<Check[]> {
  const check = `connection ${provider.type}/${name}${retired ? ' (retired)' : ''}`
  if (!upstream.diagnose)
    return [
      {
        check,
        status: 'warning',
        message: `not looked at: the provider ${provider.type} has no check of its own`,
        remedy: 'Mint something through it to see that it works.',
      },
    ]
  let findings: Finding[]
  try {
    findings = await withinLimit(clock, lookWithinMs, async (signal) =>
      upstream.diagnose!({ mightPermit, signal }),
    )
  } catch (error) {
    const { kind, message, remedy = remedies[kind], ofOwnToken } = asProviderError(error)
    findings = [ofOwnToken && !mayRun ? notStarted(url, message) : { status: 'fault', message, remedy }]
  }
  return findings.map((finding) => ({ check, ...finding }))
}

const notStarted = (url: string, message: string): Finding => ({
  status: 'warning',
  message: `not looked at, for it reads the broker's keys at ${url}, where no broker answers: ${message}`,
  remedy: 'Start the broker, then run this again.',
})
