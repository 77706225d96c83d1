/** One Vault or OpenBao, as one identity of the broker's: an entry under `providers.vault`. */
import { z, type ZodType } from 'zod'
import { baseUrl } from '../../src/base/endpoint-schema.ts'
import { secretRef, type SecretRef } from '../../src/provider/secret-ref.ts'
import { classes, type Class } from '../../src/provider/terms.ts'
import { credentialPath, mountName, policyName, roleName } from './names.ts'

/** A dynamic secret that may be asked for. */
export interface DeclaredPath {
  path: string
  class: Class
  /** What the token that reads it needs. Nobody is given that token. */
  policies: string[]
  /** `expiry`: its engine takes nothing back when a lease is revoked (sessions of AWS, for one), so that only its own end ends it. */
  revocation: 'immediate' | 'expiry'
}

/** A policy that a token may be asked for with. */
export interface DeclaredPolicy {
  name: string
  class: Class
}

/** How the broker proves itself: with a token, or with a JWT that it signs and that a JWT auth mount takes. */
export type VaultAuth = { token: SecretRef } | { jwt: { mount: string; role: string } }

export interface VaultConfig {
  name: string
  /** Without a closing slash. Also the audience of the broker's own JWT. */
  address: string
  namespace?: string
  auth: VaultAuth
  /** A token role with `orphan=true`, to create tokens by instead of `auth/token/create-orphan`. */
  token_role?: string
  paths: DeclaredPath[]
  policies: DeclaredPolicy[]
}

const declaredPath = z.strictObject({
  path: credentialPath.describe('A dynamic secret that may be asked for, as database/creds/readonly.'),
  class: z.enum(classes).describe('What kind of authority it is.'),
  policies: z
    .array(policyName)
    .min(1, "name at least one policy: without one the token would have all of the broker's")
    .refine(distinct, 'names a policy twice')
    .describe('What the token needs that reads it.'),
  revocation: z
    .enum(['immediate', 'expiry'])
    .default('immediate')
    .describe('`expiry` where its engine takes nothing back, so that only its own end ends it.'),
})

export const vaultConfig: ZodType<VaultConfig> = z
  .strictObject({
    name: z.string().min(1).describe('A name for this connection.'),
    address: baseUrl.describe('The URL of Vault or OpenBao.'),
    namespace: mountName.exactOptional().describe('The namespace, where there are any.'),
    auth: z
      .union([
        z.strictObject({ token: secretRef.describe('A token of the broker.') }),
        z.strictObject({
          jwt: z
            .strictObject({
              mount: mountName.describe('Where the JWT auth method is mounted.'),
              role: roleName.describe('Its role for the broker.'),
            })
            .describe('A JWT that the broker signs, for a JWT auth method.'),
        }),
      ])
      .describe('How the broker proves itself: a token, or a JWT that it signs.'),
    token_role: roleName.exactOptional().describe('A token role with orphan=true to create tokens by.'),
    paths: z
      .array(declaredPath)
      .default([])
      .refine((paths) => distinct(paths.map(({ path }) => path)), 'declares a path twice')
      .describe('Dynamic secrets that may be asked for.'),
    policies: z
      .array(
        z.strictObject({
          name: policyName.describe('The name of the policy.'),
          class: z.enum(classes).describe('What kind of authority it is.'),
        }),
      )
      .default([])
      .refine((policies) => distinct(policies.map(({ name }) => name)), 'declares a policy twice')
      .describe('Policies that a token may be asked for with.'),
  })
  .refine(({ paths, policies }) => paths.length + policies.length > 0, {
    error: 'declare at least one path or policy: nothing else can be asked for',
    when: ({ issues }) => issues.length === 0,
  })

function distinct(names: string[]): boolean {
  return new Set(names).size === names.length
}
