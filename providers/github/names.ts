/**
 * GitHub's names. They are case-insensitive, so everything here is lower case:
 * otherwise a `forbid` on `acme/infra` would not see a request for `Acme/Infra`.
 */
import { z } from 'zod'

/** Letters, digits and single inner hyphens, up to 39; enterprise-managed accounts have an underscore too. */
const ownerPattern = /^[A-Za-z0-9](?:[A-Za-z0-9]|[-_](?=[A-Za-z0-9])){0,38}$/
const repositoryPattern = /^[A-Za-z0-9._-]{1,100}$/

/** An account or organization, normalised. */
export const ownerName = z
  .string()
  .regex(ownerPattern, 'is not the name of a GitHub owner')
  .transform((name) => name.toLowerCase())

/** `owner/repository`, normalised. */
export const fullName = z
  .string()
  .refine(isFullName, 'is not OWNER/REPOSITORY as GitHub allows it')
  .transform((name) => name.toLowerCase())

/** A host as it stands in the address of a repository, `github.com`, perhaps with a port. */
export const hostName = z
  .string()
  .regex(/^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?$/, 'is not a host, as github.com')
  .transform((name) => name.toLowerCase())

/** `acme` of `acme/web`. */
export function ownerOf(repository: string): string {
  return repository.slice(0, repository.indexOf('/'))
}

function isFullName(name: string): boolean {
  const [owner, repository, ...rest] = name.split('/')
  if (owner === undefined || repository === undefined || rest.length > 0) return false
  // `web.git` and `web` are one repository to GitHub's addresses, but would be two to policy.
  const aliased = /^\.{1,2}$|\.git$/i.test(repository)
  return ownerPattern.test(owner) && repositoryPattern.test(repository) && !aliased
}
