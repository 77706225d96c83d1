/** Telling GitHub's own answers from those of a proxy, a firewall or an incident in front of it (docs/decisions/0011). */
import { z } from 'zod'
import type { Answer } from './api.ts'

const refused = z.object({ message: z.string() })

/**
 * Whether GitHub itself refused so. Its refusals are JSON with a message, and carry the id
 * of the request, as everything that github.com and GitHub Enterprise Server answer does.
 */
export function isOwnRefusal(answer: Answer): boolean {
  return isOwn(answer) && refused.safeParse(answer.data).success
}

/** Whether the answer has what all of GitHub's have. */
export function isOwn({ headers }: Answer): boolean {
  return Boolean(headers['x-github-request-id'])
}

/** What GitHub says to a token that has not reached the replica that was asked, if that does not say 401. */
export function saysInaccessible(answer: Answer): boolean {
  return answer.status === 403 && saidBy(answer).startsWith('Resource not accessible by integration')
}

export function saysSuspended(answer: Answer): boolean {
  return answer.status === 403 && /suspended/i.test(saidBy(answer))
}

function saidBy({ data }: Answer): string {
  return refused.safeParse(data).data?.message ?? ''
}
