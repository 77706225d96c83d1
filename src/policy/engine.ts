/** The policy sets that the engine keeps parsed, and the names they have there. */
import { preparsePolicySet } from '@cedar-policy/cedar-wasm/nodejs'

/** Names that nobody uses any more. */
const free: string[] = []
let allocated = 0

/**
 * Parses policies, ids to texts, for the engine to keep, and returns their name
 * there. The name means these policies until it is released.
 */
export function loadPolicies(policies: ReadonlyMap<string, string>): string {
  const name = free.pop() ?? `policies-${allocated++}`
  // `fromEntries` keeps a policy with the id `__proto__`; assigning to a literal would lose it.
  const answer = preparsePolicySet(name, { staticPolicies: Object.fromEntries(policies) })
  if (answer.type === 'failure') {
    free.push(name)
    throw new Error('policies that are valid one by one do not load as a set')
  }
  return name
}

/**
 * Gives names back. The engine never forgets a name, so a new one for every
 * reload would be a leak: the policies are replaced by none at all, which allow
 * nothing, and the name is used again.
 */
export function releasePolicies(names: readonly string[]): void {
  for (const name of names) {
    preparsePolicySet(name, { staticPolicies: {} })
    free.push(name)
  }
}

const collected = new FinalizationRegistry<readonly string[]>(releasePolicies)

/**
 * Releases `names` once nobody can reach `holder`, and no sooner: a request
 * still being answered under an older configuration holds the older policies, and
 * must never be decided by newer ones that took over their name.
 */
export function releaseWith(holder: object, names: readonly string[]): void {
  collected.register(holder, names)
}
