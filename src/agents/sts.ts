/** What an agent is to octo-sts' clients, who say only where they want to go and as whom (docs/decisions/0057). */
import { z } from 'zod'

export interface StsGrant {
  /** `OWNER/REPO`, or `OWNER` for what an organization trusts as a whole. */
  readonly scope: string
  /** As whom a client asks; the agent's own name unless its file says otherwise. */
  readonly identity: string
  /** RFC 9396, as written: what the client gets, who cannot say it itself. */
  readonly authorization_detail: Readonly<Record<string, unknown>>
  /** Seconds. Such a client completes no task, so this is how long its credential lives. */
  readonly ttl: number
}

const scope = z
  .string()
  .max(140)
  .refine((text) => /^[A-Za-z0-9][A-Za-z0-9_-]*(\/[A-Za-z0-9._-]+)?$/.test(text), {
    error: 'is OWNER/REPO, or OWNER',
    params: {
      remedy: "Write the `scope` that clients ask with: a repository's full name, or an organization's.",
    },
  })

const identity = z
  .string()
  .max(128)
  .refine((text) => /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(text), {
    error: 'holds only letters, digits, `.`, `_` and `-`',
    params: {
      remedy:
        'Write the `identity` that clients ask with: the name of the trust policy, without `.sts.yaml`.',
    },
  })

/** Seconds, where the agent's file says nothing: a step of a job, and not its whole afternoon. */
const defaultTtl = 600

export const stsGrant = z.strictObject({
  scope: scope.describe('OWNER/REPO, or OWNER, as clients ask for it.'),
  identity: identity.exactOptional().describe("As whom they ask; by default the agent's name."),
  authorization_detail: z
    .record(z.string(), z.unknown())
    .describe('The one authorization detail that they get, as a task asks for it.'),
  ttl: z.int().min(1).default(defaultTtl).describe('Seconds that it lives: such a client completes no task.'),
})

/** Whom the client asks for; the configuration compiler sees to it that there is one at most. */
export function stsAgent<Agent extends { readonly sts?: StsGrant }>(
  agents: Iterable<Agent>,
  wanted: { scope: string; identity: string },
): (Agent & { readonly sts: StsGrant }) | undefined {
  const key = stsKey(wanted)
  for (const agent of agents) {
    const { sts } = agent
    if (sts && stsKey(sts) === key) return { ...agent, sts }
  }
  return undefined
}

/** Owners and repositories are the same in upper and lower case; the policies of `OWNER` are those of `OWNER/.github`. */
export function stsKey({ scope, identity }: Pick<StsGrant, 'scope' | 'identity'>): string {
  return `${scope.toLowerCase().replace(/\/\.github$/, '')} ${identity}`
}
