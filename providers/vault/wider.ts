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
    entity_id: z.string(),
    lease_duration: z.number(),
    renewable: z.boolean(),
    token_type: z.string(),
    orphan: z.boolean(),
  }),
})

/**
 * What a token has beyond what was asked, in words that quote nothing of the
 * answer, or undefined. An answer that does not say is taken to have more.
 */
export function wider(asked: { policies: string[]; seconds: number }, answer: unknown): string | undefined {
  const parsed = grant.safeParse(answer)
  if (!parsed.success) return 'Vault gave a token without saying what it may do'
  const { auth } = parsed.data
  const { policies, token_policies, identity_policies, external_namespace_policies } = auth
  const excess = [...policies, ...token_policies].some((name) => !asked.policies.includes(name))
  // Policies of an identity are looked up at each use, so an entity with none today may have some tomorrow.
  if (auth.entity_id !== '' || identity_policies.length > 0 || external_namespace_policies.length > 0)
    return 'Vault gave a token that has an identity, with all its policies'
  if (excess) return 'Vault gave a token with policies that were not asked for'
  if (!auth.orphan)
    return 'Vault gave a token that hangs on the broker’s own: the token role must have orphan=true'
  if (auth.token_type !== 'service')
    return 'Vault gave a token that cannot be revoked: the token role must make service tokens'
  if (auth.renewable) return 'Vault gave a token that can be renewed'
  if (auth.lease_duration < 1 || auth.lease_duration > asked.seconds)
    return 'Vault gave a token that outlives the task'
  return undefined
}
