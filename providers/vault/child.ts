/** The token that every lease has: an orphan, with the policies named and no others, that dies with the task. */
import { z } from 'zod'
import type { Clock } from '../../src/base/clock.ts'
import { garbage, refused } from '../../src/provider/answers.ts'
import type { Intent } from '../../src/provider/upstream.ts'
import { tokenText, type VaultHandle } from './handle.ts'
import { refusal } from './refusal.ts'
import type { Vault } from './upstream.ts'
import { wider } from './wider.ts'

export interface Child {
  token: string
  accessor: string
  /** Milliseconds since 1970. */
  mintedAt: number
  expiresAt: number
  /** What Vault gave beyond what was asked, in words for the caller. */
  wider: string | undefined
}

const answered = z.object({
  auth: z.object({
    client_token: tokenText,
    accessor: tokenText,
    lease_duration: z.int().nonnegative().nullish(),
    metadata: z.object({ lease: z.string().optional() }).nullish(),
  }),
})

/** @throws ProviderError */
export async function createChild(
  policies: string[],
  { leaseId, taskId, agent, deadline }: Pick<Intent<unknown>, 'leaseId' | 'taskId' | 'agent' | 'deadline'>,
  { config, asBroker, clock }: Vault,
  signal: AbortSignal,
): Promise<Child> {
  // SAFEGUARD, whatever earlier code did: without policies, the child has all of its maker's.
  if (policies.length === 0) throw refused('no policy is named')
  // Rounded down: a token that Vault counts by whole seconds must not outlive the task by one (invariant I3).
  const seconds = Math.floor((deadline - clock.now()) / 1000)
  if (seconds < 1) throw refused('less than a second is left of the task')

  // Not `auth/token/create`: its child would inherit the broker's entity, and die with its login.
  const { token_role: role } = config
  const path = role === undefined ? 'auth/token/create-orphan' : `auth/token/create/${role}`
  const answer = await asBroker('write', path, {
    body: {
      policies,
      no_default_policy: true,
      type: 'service',
      renewable: false,
      // Both: without `ttl` the mount's default may end the token before the task ends.
      ttl: `${seconds}s`,
      explicit_max_ttl: `${seconds}s`,
      display_name: 'mayfly',
      meta: { lease: leaseId, task: taskId, agent },
    },
    signal,
    acts: true,
  })
  if (answer.status !== 200) throw refusal(answer, role === undefined ? orphanMeanings : roleMeanings, true)
  const parsed = answered.safeParse(answer.body)
  if (!parsed.success) throw garbage('Vault', true)
  const { client_token: token, accessor, lease_duration: life, metadata } = parsed.data.auth
  // The answer to another request: that token is another lease's, and ours is lost.
  if ((metadata?.lease ?? leaseId) !== leaseId) throw garbage('Vault', true)
  return {
    token,
    accessor,
    mintedAt: clock.now(),
    expiresAt: endOf(life ?? seconds, clock),
    wider: wider({ policies, seconds }, answer.body),
  }
}

/** The broker's side of what was minted. Vault's audit log names a token by its accessor, also when it reads. */
export function known({ accessor, mintedAt, expiresAt }: Child) {
  return { expiresAt, handle: { accessor, mintedAt } satisfies VaultHandle, fingerprint: accessor }
}

/** Milliseconds since 1970: the last that a time on the wire can be. */
const never = Date.parse('9999-12-31T23:59:59Z')

/** When a life of so many seconds ends. To Vault 0 is no end at all; taken for one, it would pass for over. */
export function endOf(seconds: number, clock: Clock): number {
  return seconds === 0 ? never : clock.now() + seconds * 1000
}

const orphanMeanings = {
  400: "it does not make such a token: may the broker's token create orphans with these policies?",
  403: 'the broker may not create orphan tokens, or its token is not accepted',
}
const roleMeanings = {
  400: 'it does not make such a token: does the token role exist, and allow these policies?',
  403: 'the broker may not use the token role, or its token is not accepted',
}
