/** Vault's part of the policy schema: reading a dynamic secret, and being given a token, each in five classes. */
import { classes, type Entity } from '../../src/provider/terms.ts'
import { credentialPath, mountName, mountsOf, policyName, serverName } from './names.ts'

const actions = classes.flatMap((group) =>
  [
    { action: `vault.read.${group}`, resource: 'VaultPath' },
    { action: `vault.token.${group}`, resource: 'VaultPolicy' },
  ].map(
    ({ action, resource }) =>
      `action "${action}" in [Action::"${group}"] appliesTo { principal: [Agent], resource: [${resource}], context: Context };`,
  ),
)

export const cedar = [
  'entity VaultServer;',
  'entity VaultMount in [VaultServer];',
  'entity VaultPath in [VaultMount];',
  'entity VaultPolicy in [VaultServer];',
  ...actions,
].join('\n')

/**
 * What is wrong with an entity that a policy names. A `forbid` on the mount
 * `database/`, as Vault writes it, would never match.
 */
export function entityFault({ type, id }: Entity): string | undefined {
  const name = {
    VaultServer: serverName,
    VaultMount: mountName,
    VaultPath: credentialPath,
    VaultPolicy: policyName,
  }[type]
  if (!name) return undefined
  const parsed = name.safeParse(id)
  if (!parsed.success) return `${JSON.stringify(id)} ${parsed.error.issues[0]?.message}`
  return parsed.data === id ? undefined : `${JSON.stringify(id)} must be in lower case: ${parsed.data}`
}

/** The mounts that a path may be below. On which server they are, its name does not tell. */
export function parentsOf({ type, id }: Entity): Entity[] {
  return type === 'VaultPath' ? mountsOf(id).map((mount) => ({ type: 'VaultMount', id: mount })) : []
}
