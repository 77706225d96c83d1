import type { AuthorizationRequest } from '../../src/provider.ts'
import type { GithubDetail } from './detail.ts'
import { ownerOf } from './names.ts'
import { actionOf, askable } from './permissions.ts'

/**
 * What policy must allow: each repository permission on each repository, each
 * organization permission on the owner. A level includes the lower ones that its
 * permission has, so none of those may be forbidden either.
 */
export function requests({ repositories, permissions }: GithubDetail): AuthorizationRequest[] {
  const owners = [...new Set(repositories.map(ownerOf))].map((id) => ({ type: 'GithubOwner', id }))
  return askable.flatMap((permission) => {
    const { name, reach } = permission
    const level = permissions[name]
    if (level === undefined) return []
    const below = permission.levels.slice(0, permission.levels.indexOf(level))
    const question = { ...actionOf(name, level), implied: below.map((lower) => actionOf(name, lower)) }
    const resources =
      reach === 'organization'
        ? owners.map((owner) => ({ ...owner, parents: [] }))
        : repositories.map((id) => ({
            type: 'GithubRepository',
            id,
            parents: owners.filter((owner) => owner.id === ownerOf(id)),
          }))
    return resources.map((resource) => ({ ...question, resource }))
  })
}
