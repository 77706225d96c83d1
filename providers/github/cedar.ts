/** GitHub's part of the policy schema, generated from the catalogue so that the two cannot differ. */
import type { Entity } from '../../src/provider/terms.ts'
import { fullName, hostName, ownerName, ownerOf } from './names.ts'
import { actionOf, askable } from './permissions.ts'

const actions = askable.flatMap(({ name, reach, levels }) =>
  levels.map((level) => {
    const { action, class: group } = actionOf(name, level)
    const resource = reach === 'organization' ? 'GithubOwner' : 'GithubRepository'
    return `action "${action}" in [Action::"${group}"] appliesTo { principal: [Agent], resource: [${resource}], context: Context };`
  }),
)

export const cedar = [
  'entity GithubHost;',
  'entity GithubOwner in [GithubHost];',
  'entity GithubRepository in [GithubOwner];',
  ...actions,
].join('\n')

/**
 * What is wrong with an entity that a policy names. A `forbid` on `acme/Infra`
 * would never match, since every request is in lower case.
 */
export function entityFault({ type, id }: Entity): string | undefined {
  const name = { GithubHost: hostName, GithubOwner: ownerName, GithubRepository: fullName }[type]
  if (!name) return undefined
  const parsed = name.safeParse(id)
  if (!parsed.success) return `${JSON.stringify(id)} ${parsed.error.issues[0]?.message}`
  return parsed.data === id ? undefined : `${JSON.stringify(id)} must be in lower case: ${parsed.data}`
}

/** A repository's owner. On which host it is, its name does not tell. */
export function parentsOf({ type, id }: Entity): Entity[] {
  return type === 'GithubRepository' ? [{ type: 'GithubOwner', id: ownerOf(id) }] : []
}
