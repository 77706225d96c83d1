/**
 * The broker under load, in a process of its own: an ordinary one whose
 * connections note how long each lease's upstream calls took.
 */
import { providers } from '../../providers/catalog.ts'
import { startBroker } from '../../src/broker/broker.ts'
import { systemClock } from '../../src/base/clock.ts'
import { createLogger } from '../../src/broker/logger.ts'
import type { Provider } from '../../src/provider/contract.ts'
import type { Handle, Upstream } from '../../src/provider/upstream.ts'

const upstreamMs = new Map<string, number>()
const leaseOf = new Map<string, string>()

async function timed<T>(leases: (string | undefined)[], work: () => Promise<T>): Promise<T> {
  const started = performance.now()
  try {
    return await work()
  } finally {
    const took = performance.now() - started
    for (const lease of leases)
      if (lease !== undefined) upstreamMs.set(lease, (upstreamMs.get(lease) ?? 0) + took)
  }
}

function timing(upstream: Upstream): Upstream {
  const owner = (handle: Handle) => leaseOf.get(JSON.stringify(handle))
  return {
    ...upstream,
    async mint(detail, intent, options) {
      const minted = await timed([intent.leaseId], () => upstream.mint(detail, intent, options))
      leaseOf.set(JSON.stringify(minted.handle), intent.leaseId)
      return minted
    },
    revoke: (handles, options) => timed(handles.map(owner), () => upstream.revoke(handles, options)),
    async probe(handle, options) {
      const evidence = await timed([owner(handle)], () => upstream.probe(handle, options))
      leaseOf.delete(JSON.stringify(handle))
      return evidence
    },
  }
}

const measured = providers.map((provider): Provider => ({
  ...provider,
  connect: (config, context) => timing(provider.connect(config, context)),
}))

const broker = await startBroker(process.argv[2]!, {
  clock: systemClock(),
  log: createLogger({
    write: (line) => void (/"level":"error"/.test(line) && process.stderr.write(line)),
  }),
  providers: measured,
  env: process.env,
})

process.on('message', (message) => {
  if (message === 'report') {
    process.send!({ upstreamMs: [...upstreamMs], cpu: process.cpuUsage() })
    upstreamMs.clear()
    leaseOf.clear()
  }
  if (message === 'rss') process.send!(process.memoryUsage.rss())
  if (message === 'stop') void broker.close().then(() => process.exit(0))
})
process.send!('ready')
