/** An upstream in memory, as reliable as a test wants it, behind the provider contract. */
import { z } from 'zod'
import type { Clock } from '../../src/base/clock.ts'
import type { Provider } from '../../src/provider/contract.ts'
import { ProviderError } from '../../src/provider/failure.ts'
import type { Revocation, Terms } from '../../src/provider/terms.ts'
import type { Handle, Minted, Upstream } from '../../src/provider/upstream.ts'

/** How a mint goes. `lost`: it happens, but the answer never comes. `held`: it waits for `release`. */
export type MintFate = 'ok' | 'wider' | 'rejected' | 'unavailable' | 'lost' | 'held'

export interface FakeUpstream extends Upstream, Terms {
  provider: Provider
  name: string
  /** Ids of the leases whose credential works now. */
  working(): string[]
  /** Fates of the next mints, in order; then all go well. */
  fates: MintFate[]
  /** What `revoke` does with a handle: an error refuses it. */
  refuse: (leaseId: string) => ProviderError | undefined
  /** Called while a revocation is under way: it waits for what this returns. */
  during: (leaseIds: string[]) => Promise<void>
  /** What `recover` does: finds and ends the credential, cannot tell, or fails with this. */
  recovery: 'finds' | 'cannot tell' | ProviderError
  /** Called while a recovery is under way: its answer waits for what this returns. */
  recovering: () => Promise<void>
  /** Lets the mints that are held go on, so many of them. */
  release(count?: number): void
  /** Every call of `revoke`: the leases it was for. */
  calls: string[][]
  revocationIs: Revocation
  /** Milliseconds for which what it mints stands beyond its own end. */
  standsLonger: number
  /** The leases whose credential it refuses with whatever it revokes next. */
  refusesToo: string[]
  /** The leases that had to stand refused, as of the last revocation. */
  standing: string[]
}

/** What it may fail with: later it may go well; it never will. */
export const down = () => new ProviderError('unavailable', 'upstream is down')
export const no = () => new ProviderError('rejected', 'upstream says no')

const lifeMs = 3_600_000

export function upstream(
  clock: Clock,
  options: { name?: string; revokesAtOnce?: number } = {},
): FakeUpstream {
  const { name = 'one', revokesAtOnce = 1 } = options
  const ends = new Map<string, number>()
  let held: (() => void)[] = []
  const leaseOf = (handle: Handle) => String(handle['credential'])

  const self: FakeUpstream = {
    name,
    leadsTo: `fake:${name}`,
    revokesAtOnce,
    resources: [],
    fates: [],
    refuse: () => undefined,
    during: () => Promise.resolve(),
    recovery: 'finds',
    recovering: () => Promise.resolve(),
    calls: [],
    revocationIs: 'immediate',
    standsLonger: 0,
    refusesToo: [],
    standing: [],
    working: () => [...ends].filter(([, end]) => end > clock.now()).map(([id]) => id),
    release(count = held.length) {
      for (const go of held.splice(0, count)) go()
    },
    serves: () => true,
    revocation: () => self.revocationIs,
    minTtl: () => 1,
    requests: () => [
      {
        action: 'fake.use.write',
        class: 'write',
        resource: { type: 'Fake', id: 'a', parents: [] },
        implied: [],
      },
    ],
    covers: () => true,
    async mint(_detail, { leaseId }): Promise<Minted> {
      const fate = self.fates.shift() ?? 'ok'
      if (fate === 'held') await new Promise<void>((go) => held.push(go))
      if (fate === 'rejected') throw new ProviderError('rejected', 'upstream says no')
      if (fate === 'unavailable') throw new ProviderError('unavailable', 'upstream is busy')
      const expiresAt = clock.now() + lifeMs
      ends.set(leaseId, expiresAt)
      if (fate === 'lost') throw new ProviderError('unavailable', 'the answer was lost', { maybeDone: true })
      return {
        credential: { token: `token of ${leaseId}` },
        accessToken: `token of ${leaseId}`,
        expiresAt,
        handle: { credential: leaseId },
        fingerprint: `print of ${leaseId}`,
        ...(self.standsLonger > 0 && { standsUntil: expiresAt + self.standsLonger }),
        ...(fate === 'wider' && { wider: 'upstream gave more than was asked' }),
      }
    },
    async revoke(handles, { standing, alsoRefused }) {
      const ids = handles.map(leaseOf)
      self.calls.push(ids)
      await self.during(ids)
      self.standing = (await standing()).map(leaseOf)
      const { refusesToo } = self
      for (const id of refusesToo) ends.delete(id)
      if (refusesToo.length > 0)
        alsoRefused?.((handle) => refusesToo.includes(leaseOf(handle)), 'it refuses these as well')
      return ids.map((id) => {
        const error = self.refuse(id)
        if (error) return { done: false, error }
        ends.delete(id)
        return { done: true }
      })
    },
    async recover({ leaseId, createdAt }) {
      const { recovery } = self
      if (recovery === 'finds') ends.delete(leaseId)
      await self.recovering()
      if (recovery instanceof ProviderError) throw recovery
      return recovery === 'finds' ? { gone: true } : { gone: false, liveUntil: createdAt + lifeMs + 60_000 }
    },
    probe: async (handle) => ({
      result: self.working().includes(leaseOf(handle)) ? 'live' : 'dead',
      method: 'it was tried',
      at: clock.now(),
    }),
    provider: {
      type: 'fake',
      config: z.strictObject({}),
      detail: z.strictObject({
        type: z.literal('fake'),
        name: z.string(),
      }),
      cedar: '',
      parseScope: (text) => ({ type: 'fake', name: text }),
      scopeText: ({ name }) => name,
      scopeExamples: ['NAME'],
      starter: '',
      terms: () => self,
      connect: () => Promise.resolve(self),
    },
  }
  return self
}
