import { z } from 'zod'

const names = z
  .array(z.string())
  .nullish()
  .transform((given) => given ?? [])
const grant = z.object({
  auth: z.object({
    policies: z.array(z.string()),
    token_policies: names,
    identity_policies: names,
    external_namespace_policies: z
      .record(z.string(), z.unknown())
      .nullish()
      .transform((given) => Object.keys(given ?? {})),
    lease_duration: z.number().nullish(),
    entity_id: z.string().nullish(),
    renewable: z.boolean().nullish(),
    token_type: z.string().nullish(),
    orphan: z.boolean().nullish(),
  }),
})

/**
 * What a token has beyond what was asked, in words that quote nothing of the
 * answer, or undefined. An answer that does not name the policies is taken to have
 * more. What else it does not name is as it was asked for: versions differ in that.
 */
export function wider(asked: { policies: string[]; seconds: number }, answer: unknown): string | undefined {
  const parsed = grant.safeParse(answer)
  if (!parsed.success) return 'Vault gave a token without saying what it may do'
  const { auth } = parsed.data
  const { policies, token_policies, identity_policies, external_namespace_policies } = auth
  const excess = [...policies, ...token_policies].some((name) => !asked.policies.includes(name))
  // Policies of an identity are looked up at each use, so an entity with none today may have some tomorrow.
  if (auth.entity_id || identity_policies.length > 0 || external_namespace_policies.length > 0)
    return 'Vault gave a token that has an identity, with all its policies'
  if (excess) return 'Vault gave a token with policies that were not asked for'
  if (auth.orphan === false)
    return "Vault gave a token that hangs on the broker's own: the token role must have orphan=true"
  if ((auth.token_type ?? 'service') !== 'service')
    return 'Vault gave a token that cannot be revoked: the token role must make service tokens'
  if (auth.renewable) return 'Vault gave a token that can be renewed'
  const life = auth.lease_duration ?? asked.seconds
  if (life < 1 || life > asked.seconds) return 'Vault gave a token that outlives the task'
  return undefined
}
