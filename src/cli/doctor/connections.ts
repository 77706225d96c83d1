import { type Clock, withinLimit } from '../../base/clock.ts'
import type { ConnectionEntry } from '../../leases/connections.ts'
import { asProviderError } from '../../leases/upstream.ts'
import type { Finding, MightPermit } from '../../provider/upstream.ts'
import { type Check, lookWithinMs } from './check.ts'

/** Asks each connection how its upstream is; what is retired too, for it still has to revoke. */
export async function checkConnections(
  connections: readonly ConnectionEntry[],
  given: { mightPermit: MightPermit; clock: Clock },
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
  { mightPermit, clock }: { mightPermit: MightPermit; clock: Clock },
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
    const { kind, message, remedy = remedies[kind] } = asProviderError(error)
    findings = [{ status: 'fault', message, remedy }]
  }
  return findings.map((finding) => ({ check, ...finding }))
}
