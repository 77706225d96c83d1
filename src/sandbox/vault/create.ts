/** What `auth/token/create`, `create-orphan` and `create/ROLE` make of what is asked (`handleCreateCommon`). */
import { z } from 'zod'
import { refusal } from './refusal.ts'
import { duration } from './reply.ts'
import type { TokenRole, VaultSettings } from './settings.ts'
import type { Made, Token } from './tokens.ts'

export const createRequest = z.strictObject({
  policies: z.array(z.string()).default([]),
  no_default_policy: z.boolean().default(false),
  type: z.enum(['service', 'batch']).optional(),
  renewable: z.boolean().default(true),
  ttl: duration.default(0),
  explicit_max_ttl: duration.default(0),
  display_name: z.string().default(''),
  meta: z.record(z.string(), z.string()).nullable().default(null),
})
type CreateRequest = z.infer<typeof createRequest>

export interface Circumstances {
  settings: VaultSettings
  parent: Token
  /** Whether the parent may do anything at this path. */
  sudo: boolean
  path: string
  role?: (TokenRole & { name: string }) | undefined
  orphan: boolean
}

/** @throws a refusal, 400 */
export function madeOf(
  asked: CreateRequest,
  { settings, parent, sudo, path, role, orphan }: Circumstances,
): Made {
  const type = role?.tokenType ?? asked.type ?? 'service'
  if (type === 'batch') {
    if (asked.explicit_max_ttl > 0) throw refusal(400, 'batch tokens cannot have "explicit_max_ttl" set')
    throw refusal(400, 'the sandbox makes no batch tokens')
  }
  const policies = policiesFor(asked, parent, sudo, role)
  if (policies.includes('root') && !parent.policies.includes('root'))
    throw refusal(400, 'root tokens may not be created without parent token being root')

  // `CalculateTTL`: what is asked, or the default, but never beyond either maximum.
  const longest = Math.min(settings.maxLeaseTtl, asked.explicit_max_ttl || Infinity)
  const inherits = role ? !role.orphan : !orphan
  return {
    policies,
    // A child that is no orphan stands for its parent's identity, with whatever policies that has.
    entityId: inherits ? parent.entityId : '',
    parent: inherits ? parent : undefined,
    displayName: asked.display_name === '' ? 'token' : `token-${asked.display_name}`,
    meta: asked.meta,
    path,
    ttl: Math.min(asked.ttl || settings.defaultLeaseTtl, longest),
    explicitMaxTtl: asked.explicit_max_ttl,
    renewable: asked.renewable,
    role: role?.name,
  }
}

/** `resolveTokenPolicies`. The trap: who names none gets all that the parent has. */
function policiesFor(
  asked: CreateRequest,
  parent: Token,
  sudo: boolean,
  role: TokenRole | undefined,
): string[] {
  const { no_default_policy: noDefault } = asked
  const named = sanitized(asked.policies)
  const finish = (policies: string[], addDefault: boolean) =>
    sanitized(addDefault ? [...policies, 'default'] : policies).filter(
      (name) => name !== 'default' || !noDefault,
    )
  if (role && role.allowedPolicies.length > 0) {
    const allowed = sanitized(role.allowedPolicies)
    const final = named.length > 0 ? named : allowed
    const beyond = final.filter((name) => !allowed.includes(name))
    if (beyond.length > 0)
      throw refusal(
        400,
        `token policies (${quoted(final)}) must be subset of the role's allowed policies (${quoted(allowed)}) or glob policies ([])`,
      )
    return finish(final, true)
  }
  if (named.length === 0) return finish(parent.policies, false)
  if (sudo) return finish(named, true)
  if (!named.every((name) => parent.policies.includes(name)))
    throw refusal(400, 'child policies must be subset of parent')
  return finish(named, parent.policies.includes('default'))
}

/** `SanitizePolicies`: lower case, each once, sorted; beside `root` nothing counts. */
function sanitized(policies: string[]): string[] {
  const names = policies.map((name) => name.trim().toLowerCase()).filter((name) => name !== '')
  return names.includes('root') ? ['root'] : [...new Set(names)].toSorted()
}

function quoted(names: string[]): string {
  return `[${names.map((name) => JSON.stringify(name)).join(' ')}]`
}
