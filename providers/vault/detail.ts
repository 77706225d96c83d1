/** What a task asks of Vault: one RFC 9396 authorization detail. */
import { z, type ZodType } from 'zod'
import { credentialPath, policyName } from './names.ts'
import { strict } from '../../src/base/issues.ts'

/** A secret that Vault makes when it is read, and takes back with its lease. */
export interface PathDetail {
  type: 'vault'
  /** `database/creds/readonly` */
  path: string
}

/** A token. */
export interface PoliciesDetail {
  type: 'vault'
  /** Lower case, sorted. */
  policies: string[]
}

export type VaultDetail = PathDetail | PoliciesDetail

const mostPolicies = 100

const policies = z
  .array(policyName)
  .min(1, "name at least one policy: without one the token would have all of the broker's")
  .max(mostPolicies)
  .refine((names) => new Set(names).size === names.length, 'the same policy is named twice')
  .transform((names) => names.toSorted())

/**
 * The schema of a detail. Its output is normal: equal requests are equal JSON.
 * One object and not a union of two, whose refusals would say of neither form
 * what is wrong with it.
 */
export const vaultDetail: ZodType<VaultDetail> = strict({
  type: z.literal('vault'),
  path: credentialPath.exactOptional(),
  policies: policies.exactOptional(),
}).transform(({ path, policies: names, ...common }, issues): VaultDetail => {
  if (path !== undefined && names === undefined) return { ...common, path }
  if (path === undefined && names !== undefined) return { ...common, policies: names }
  issues.addIssue('a vault detail has either `path` or `policies`')
  return z.NEVER
})
