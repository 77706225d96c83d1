/** Finding out, after a revocation, whether the credential is really dead. */
import { ProviderError } from '../provider/failure.ts'
import type { Evidence, Handle } from '../provider/upstream.ts'
import type { ConnectionEntry } from './connections.ts'
import type { LeaseContext } from './context.ts'
import { ask } from './upstream.ts'

/** Tries the credential once. Does not reject: what cannot be found out is `unknown`. */
export async function probe(
  context: LeaseContext,
  { upstream }: ConnectionEntry,
  handle: Handle,
): Promise<Evidence> {
  const seen = await ask(context, 'probe', (signal) => upstream.probe(handle, { signal }))
  if (!(seen instanceof ProviderError)) return seen
  return { result: 'unknown', method: seen.message, at: context.clock.now() }
}
