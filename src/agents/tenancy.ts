/**
 * Issuers that sign for everyone. On these, anyone can have a token with almost
 * any claim: `ref: refs/heads/main` is true of a stranger's repository too. So a
 * rule must name whose workload it is, in text that no wildcard can stretch.
 */
import type { Tenancy } from '../identity/platforms.ts'
import type { MatchRule } from './match.ts'

/**
 * What is wrong with `rule` if its issuer, which `who` names, signs for everyone and the
 * rule names neither a tenant nor an id of one literally.
 */
export function tenancyFault(
  tenancy: 'single' | Tenancy,
  who: string,
  rule: MatchRule,
): { message: string; remedy: string } | undefined {
  if (tenancy === 'single') return undefined
  const { subject, claims, remedy } = tenancy
  const named =
    (rule.subject !== undefined && subject?.test(rule.subject.text)) ||
    // Each alternative must: a rule is as wide as its widest.
    rule.claims.some(({ name, patterns }) =>
      patterns.every(({ text }) =>
        name === 'sub'
          ? subject?.test(text) === true
          : Object.hasOwn(claims, name) && claims[name]!.test(text),
      ),
    )
  if (named) return undefined
  return {
    message: `${who} signs for everyone, and this rule names neither an organization nor an id of one without a wildcard`,
    remedy,
  }
}
