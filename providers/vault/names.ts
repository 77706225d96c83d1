/**
 * Vault's names, as they may reach its API. Whatever stands in a path is sent as
 * it is: `..` would reach another endpoint and `?` would start a query, so only
 * what Vault itself takes for a name passes (`framework.GenericNameWithAtRegex`).
 */
import { z } from 'zod'

/** No segment begins with a dot, so none is `.` or `..`; there is no empty one, so no `//` either. */
const pathPattern = /^\w[\w.@-]*(?:\/\w[\w.@-]*)*$/
const longest = 512

/** A mount or a namespace, of one segment or several, without slashes around it. */
export const mountName = z
  .string()
  .max(longest)
  .regex(pathPattern, 'must be letters, digits, _, -, . and @, with single slashes between them')

/** One segment: a role. */
export const roleName = mountName.refine((name) => !name.includes('/'), 'must not have a slash')

/** What a credential is read from, below a mount: `database/creds/readonly`. Paths are case-sensitive. */
export const credentialPath = mountName.refine((path) => path.includes('/'), 'must be MOUNT/PATH')

/** Vault compares policies in lower case (`policyutil.SanitizePolicies`). */
export const policyName = z
  .string()
  .max(longest)
  .regex(/^\w[\w.:@/-]*$/, 'is not the name of a Vault policy')
  .transform((name) => name.toLowerCase())
  .refine((name) => name !== 'root', 'root may do everything: it is never given')
  // `no_default_policy` would strike it out without a word, and the token would not be what was asked for.
  .refine((name) => name !== 'default', 'default comes with no token of ours')

/** A server, with the namespace in it that a connection is bound to: `vault.acme.dev`, `vault.acme.dev/team-a`. */
export const serverName = z
  .string()
  .regex(/^[a-z0-9.[\]:-]+(?:\/\w[\w.@-]*)*$/, 'is not HOST or HOST/NAMESPACE, in lower case')

/** The name of the server at `address`, in this namespace. */
export function serverAt(address: string, namespace: string | undefined): string {
  const [, server = ''] = address.split('://')
  return namespace === undefined ? server : `${server}/${namespace}`
}

/** Every leading part of a path: any of them may be the mount, and only Vault knows which. */
export function mountsOf(path: string): string[] {
  const segments = path.split('/')
  return segments.slice(1).map((_, index) => segments.slice(0, index + 1).join('/'))
}
