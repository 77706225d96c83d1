/** Where an identity and the nearest rule part, in words. */
import type { NearMiss } from '../agents/nearest.ts'

export function missLines({ agent, rule, claim, expected, found, otherForm }: NearMiss): string[] {
  const has = found.length === 0 ? 'is not in the token' : `is ${found.join(', ')}`
  return [
    `matches no rule of ${agent}; in the nearest, ${rule}, \`${claim}\` is to be ${expected.join(' or ')}, and ${has}`,
    ...(otherForm
      ? ['GitHub has two forms of a subject, with ids and without; a rule on `repository_id` matches both']
      : []),
  ]
}
