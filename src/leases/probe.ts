/** Finding out, after a revocation, whether the credential is really dead. */
import type { Evidence, Handle } from '../provider/upstream.ts'
import type { ConnectionEntry } from './connections.ts'
import type { LeaseContext } from './context.ts'
import { asProviderError, withinUpstream } from './upstream.ts'

/** Tries the credential once. Does not reject: what cannot be found out is `unknown`. */
export async function probe(
  context: LeaseContext,
  { upstream }: ConnectionEntry,
  handle: Handle,
): Promise<Evidence> {
  try {
    return await withinUpstream(context, 'probe', (signal) => upstream.probe(handle, { signal }))
  } catch (error) {
    return { result: 'unknown', method: asProviderError(error).message, at: context.clock.now() }
  }
}
