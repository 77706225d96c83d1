import type { AuthorizationRequest, Resource } from '../../src/provider/terms.ts'
import type { GithubDetail } from './detail.ts'
import { ownerOf } from './names.ts'
import { actionOf, askable } from './permissions.ts'

/**
 * What policy must allow: each repository permission on each repository, each
 * organization permission on the owner. A level includes the lower ones that its
 * permission has, so none of those may be forbidden either.
 */
export function requests({ repositories, permissions }: GithubDetail, host: string): AuthorizationRequest[] {
  const owners = [...new Set(repositories.map(ownerOf))].map((name) => ownerOn(host, name))
  return askable.flatMap((permission) => {
    const { name, reach } = permission
    const level = permissions[name]
    if (level === undefined) return []
    const below = permission.levels.slice(0, permission.levels.indexOf(level))
    const question = { ...actionOf(name, level), implied: below.map((lower) => actionOf(name, lower)) }
    const resources =
      reach === 'organization'
        ? owners
        : repositories.map((id) => {
            const { parents, ...owner } = ownerOn(host, ownerOf(id))
            return { type: 'GithubRepository', id, parents: [owner, ...parents] }
          })
    return resources.map((resource) => ({ ...question, resource }))
  })
}

/** Owners of one name may be two, on two hosts. */
export function ownerOn(host: string, name: string): Resource {
  return { type: 'GithubOwner', id: name, parents: [{ type: 'GithubHost', id: host }] }
}
