/** An agent: a governed identity of something that is not a human (design §8). */
import { z } from 'zod'
import { durationMs } from '../base/duration.ts'
import { isLine } from '../base/text.ts'
import { matchRule, type MatchRule } from './match.ts'
import type { Owner } from './owner.ts'
import { stsGrant, type StsGrant } from './sts.ts'

export interface Agent {
  readonly name: string
  /** Who answers for it: a human, by a verified `email` or a `sub`, or whoever its token shows. */
  readonly owner: Owner
  readonly purpose: string
  readonly environment: string
  /** `YYYY-MM-DD`, the last day (UTC) on which its requests are served. */
  readonly reviewBy: string
  /** The longest life of one of its tasks, seconds. */
  readonly maxTtl: number
  /** Whether a session whose task has ended may open another. */
  readonly reopen: boolean
  /** Seconds within which the workload of a task has to be heard; undefined where nobody listens. */
  readonly heartbeat?: number | undefined
  /** Any may match; never empty. */
  readonly match: readonly MatchRule[]
  /** What octo-sts' clients get who ask for it. */
  readonly sts?: StsGrant
}

/** A name that may stand in a URL, a metric's label and a policy as it is. */
export const name = z
  .string()
  .max(64)
  .refine((text) => /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(text), {
    error: 'a name starts with a letter or digit and holds only letters, digits, `.`, `_` and `-`',
    params: { remedy: 'Choose such a name, at most 64 characters long.' },
  })

/** One line that a human reads: what it shows is what it is. */
const line = z
  .string()
  .max(512)
  .refine(isLine, {
    error: 'must be one line of printable text, without space around it',
    params: { remedy: 'Write one line, at most 512 characters long.' },
  })

const owner = z
  .union(
    [
      line,
      z.strictObject({
        claim: z
          .string()
          .min(1)
          .max(512)
          .describe(
            'The claim of the token that names the owner, as email; one that begins with / is a JSON Pointer.',
          ),
      }),
    ],
    { error: 'is one human, or `{ claim: NAME }`: whoever that claim of a token names' },
  )
  .transform((written): Owner => (typeof written === 'string' ? written : Object.freeze(written)))

const heartbeat = z.string().transform((text, issues): number => {
  const ms = durationMs(text)
  if (ms !== undefined && ms >= 1000 && ms <= 86_400_000) return ms / 1000
  issues.addIssue({
    code: 'custom',
    message: 'is not a duration of a second to a day',
    params: { remedy: 'Write a whole number and s, m or h, as 60s.' },
  })
  return z.NEVER
})

const aYear = 366 * 24 * 3600

/** One agent file, to an immutable `Agent`. */
export const agentFile = z
  .strictObject({
    name: name.describe('Its name, as policies and the record have it.'),
    owner: owner.describe(
      'The human who answers for it: a verified `email`, or a `sub`; or { claim: email }, whoever the token shows. Nobody approves for what is theirs.',
    ),
    purpose: line.describe('What it is for, in one line.'),
    environment: name.describe('A name for where it works, as dev; policies can go by it.'),
    review_by: z.iso.date().describe('YYYY-MM-DD; from the next day on its requests are refused.'),
    max_ttl: z.int().min(1).max(aYear).describe('The longest life of one of its tasks, seconds.'),
    reopen: z.boolean().default(true).describe('Whether a session whose task has ended may open another.'),
    heartbeat: heartbeat
      .optional()
      .describe(
        'How often the workload of a task has to be heard, as 60s; silent for half as long again, it ends.',
      ),
    match: z.array(matchRule).min(1).describe('Whose tokens are this agent; any may match.'),
    sts: stsGrant.optional().describe("What octo-sts' clients get who ask for this agent at /sts/exchange."),
  })
  .transform(({ review_by: reviewBy, max_ttl: maxTtl, match, sts, ...rest }): Agent =>
    Object.freeze({
      ...rest,
      reviewBy,
      maxTtl,
      match: Object.freeze(match),
      ...(sts && { sts: Object.freeze({ identity: rest.name, ...sts }) }),
    }),
  )
