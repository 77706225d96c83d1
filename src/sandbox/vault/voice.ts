/** How Vault words what it answers: JSON, and in a refusal `errors` ("HTTP API", "Error response"). */
import type { Voice } from '../faults.ts'

const words: Record<number, string> = {
  400: 'invalid request',
  403: 'permission denied',
  429: 'request path "": rate limit quota exceeded',
  503: 'Vault is sealed',
}

export const voice: Voice = {
  headers: () => ({ 'cache-control': 'no-store' }),
  // A 404 without a word is its general answer for what is not there.
  refusal: (status) => ({ errors: status === 404 ? [] : [words[status] ?? 'internal error'] }),
  done: () => Promise.resolve(new Response(null, { status: 204 })),
}
