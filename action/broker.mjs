/** The calls that the action makes of a broker. */
import { persist } from './runner.mjs'

/** An answer that is a refusal: its `code`, and what it says. */
export class Refused extends Error {
  constructor(status, { code = `status ${status}`, detail = 'no reason was given', denials = [] } = {}) {
    const why = denials.map(
      ({ action, resource, policies }) =>
        `${action} on ${resource}: ${policies.length > 0 ? `forbidden by ${policies.join(', ')}` : 'no policy permits it'}`,
    )
    super([`${code}: ${detail}`, ...why].join('; '))
    this.status = status
  }
}

/** Milliseconds after which a call counts as hung, as `src/client/call.ts` has them: what the broker may wait for, and twelve seconds. */
const answerWithinMs = 12_000
export const waits = { keys: 5_000, ending: 10_000, mint: 30_000 }

export async function call(url, path, { token, method = 'POST', body, key, forMs, waitMs = 0, ...limits }) {
  const { withinMs = answerWithinMs } = limits
  const answer = await persist(
    () =>
      fetch(`${url.replace(/\/+$/, '')}${path}`, {
        method,
        headers: {
          Authorization: `Bearer ${token}`,
          ...(body !== undefined && { 'Content-Type': 'application/json' }),
          ...(key !== undefined && { 'Idempotency-Key': key }),
        },
        ...(body !== undefined && { body }),
        redirect: 'error',
        signal: AbortSignal.timeout(withinMs + waitMs),
      }),
    forMs,
  )
  const parsed = await answer.json().catch(() => ({}))
  if (!answer.ok) throw new Refused(answer.status, parsed)
  return parsed
}

/** Every text of a credential is secret, but for what only says where it is good. */
export function secretsOf(credential) {
  const open = new Set(['region', 'address', 'host'])
  return Object.entries(credential).flatMap(([name, value]) => {
    if (typeof value === 'string') return open.has(name) ? [] : [value]
    return typeof value === 'object' && value !== null ? secretsOf(value) : []
  })
}
