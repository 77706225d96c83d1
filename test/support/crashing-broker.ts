/**
 * A broker that kills itself at a named point, as a power cut would: no handler
 * runs, nothing is flushed. It is the ordinary composition; only its providers
 * are wrapped, at seams that each lie in exactly one place of a request.
 *
 *     node test/support/crashing-broker.ts CONFIGURATION POINT
 */
import { providers } from '../../providers/catalog.ts'
import { startBroker } from '../../src/broker/broker.ts'
import { systemClock } from '../../src/base/clock.ts'
import { createLogger } from '../../src/broker/logger.ts'
import type { Provider } from '../../src/provider/contract.ts'
import type { Terms } from '../../src/provider/terms.ts'
import type { Minted, Upstream } from '../../src/provider/upstream.ts'

/** In the order in which a credential passes them. */
const points = [
  'before the intent',
  'after the intent',
  'after the mint',
  'after the record',
  'before the reply',
  'before the revocation',
  'after the revocation',
  'after the probe',
] as const
export type Point = (typeof points)[number]

function die(): never {
  process.kill(process.pid, 'SIGKILL')
  // The signal may take a moment; nothing may happen in it.
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}

function wrap(upstream: Upstream, point: Point): Upstream {
  const dieAt = (here: Point) => {
    if (point === here) die()
  }
  return {
    ...upstream,
    async mint(...given) {
      dieAt('after the intent')
      const minted = await upstream.mint(...given)
      dieAt('after the mint')
      return watched(minted, dieAt)
    },
    async revoke(...given) {
      dieAt('before the revocation')
      const outcomes = await upstream.revoke(...given)
      dieAt('after the revocation')
      return outcomes
    },
    async probe(...given) {
      const evidence = await upstream.probe(...given)
      dieAt('after the probe')
      return evidence
    },
  }
}

function wrapTerms(terms: Terms, point: Point): Terms {
  return {
    ...terms,
    // Asked last thing before the intent is written, in its transaction.
    covers(outer, inner) {
      if (point === 'before the intent') die()
      return terms.covers(outer, inner)
    },
  }
}

/** The credential is first touched once it is recorded, and written out as JSON for the reply. */
function watched({ credential, ...minted }: Minted, dieAt: (here: Point) => void): Minted {
  return {
    ...minted,
    get credential() {
      dieAt('after the record')
      return {
        ...credential,
        toJSON() {
          dieAt('before the reply')
          return credential
        },
      }
    },
  }
}

if (import.meta.main) {
  const [file, point] = process.argv.slice(2)
  if (file === undefined || !points.includes(point as Point)) throw new Error('CONFIGURATION POINT')
  await startBroker(file, {
    clock: systemClock(),
    log: createLogger(),
    env: process.env,
    providers: providers.map((provider): Provider => ({
      ...provider,
      terms: (config) => wrapTerms(provider.terms(config), point as Point),
      connect: async (config, context) => wrap(await provider.connect(config, context), point as Point),
    })),
  })
}
