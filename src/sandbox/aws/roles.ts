/** The account's roles with their inline policies, and whether a caller may do a thing. */
import type { Clock } from '../../base/clock.ts'
import { newRoleId, type Caller, type Keys } from './keys.ts'
import { allows, denies, deniesAll, parsePolicy, type PolicyQuestion, type Statement } from './policy.ts'
import { AwsRefusal } from './refusal.ts'
import type { AwsRole, AwsSettings } from './settings.ts'

/** The inline policies of a role, text by name, from a moment on. */
interface Version {
  at: number
  policies: ReadonlyMap<string, string>
}

export interface Roles {
  byName(name: string): AwsRole | undefined
  byArn(arn: string): AwsRole | undefined
  arnOf(role: AwsRole): string
  /** The role's unique id. */
  idOf(role: AwsRole): string
  /** As they are. */
  current(role: AwsRole): ReadonlyMap<string, string>
  /** As IAM shows them now. */
  inline(role: AwsRole): ReadonlyMap<string, string>
  /** Adds, replaces or, where `text` is undefined, removes one. @throws a refusal */
  setInline(role: AwsRole, name: string, text: string | undefined): void
  /** @throws a refusal, AccessDenied */
  admit(caller: Caller, action: string, resource: string): void
}

export function createRoles(settings: AwsSettings, keys: Keys, clock: Clock): Roles {
  const ids = new Map<string, string>()
  const histories = new Map<string, Version[]>()
  const none: Version = { at: 0, policies: new Map() }

  const arnOf = ({ path, name }: AwsRole) => `arn:aws:iam::${settings.account}:role${path}${name}`
  const history = ({ name }: AwsRole) => histories.get(name) ?? [none]
  const asOf = (role: AwsRole, at: number) => history(role).findLast((version) => version.at <= at) ?? none
  const latest = (role: AwsRole) => history(role).at(-1) ?? none
  const statements = ({ policies }: Version): Statement[] => [...policies.values()].flatMap(parsePolicy)

  /** A session counts as revoked from when the deny is in force, and no longer when it is gone again. */
  const mark = (role: AwsRole) => {
    const found = statements(latest(role))
    for (const session of keys.sessions(role)) {
      const { entry, userId, issuedAt } = session
      if (!entry) continue
      if (!deniesAll(found, { userId, issuedAt, now: clock.now() })) delete entry.revokedAt
      else entry.revokedAt ??= clock.now() + settings.propagation
    }
  }

  return {
    byName: (name) => settings.roles.find((role) => role.name === name),
    byArn: (arn) => settings.roles.find((role) => arnOf(role) === arn),
    arnOf,
    idOf({ name }) {
      const id = ids.get(name) ?? newRoleId()
      ids.set(name, id)
      return id
    },
    current: (role) => latest(role).policies,
    inline: (role) => asOf(role, clock.now() - settings.staleReads).policies,

    setInline(role, name, text) {
      const policies = new Map(latest(role).policies)
      if (text === undefined) policies.delete(name)
      else policies.set(name, text)
      // "IAM and AWS STS quotas": the sum of all, white space not counted.
      const size = [...policies.values()].reduce((sum, each) => sum + each.replace(/\s/g, '').length, 0)
      if (text !== undefined && size > settings.inlineQuota)
        throw new AwsRefusal(
          409,
          'LimitExceeded',
          `Maximum policy size of ${settings.inlineQuota} bytes exceeded for role ${role.name}`,
        )
      histories.set(role.name, [...history(role), { at: clock.now(), policies }])
      mark(role)
    },

    admit(caller, action, resource) {
      const { role, sessionPolicy, userId, issuedAt } = caller
      const question: PolicyQuestion = { action, resource, userId, issuedAt, now: clock.now() }
      const own = role
        ? [...role.permissions, ...statements(asOf(role, clock.now() - settings.propagation))]
        : settings.userPermissions
      const controlled = denies(settings.serviceControl, question)
      const refused =
        controlled ||
        !allows(own, question) ||
        (sessionPolicy !== undefined && !allows(sessionPolicy, question))
      if (caller.entry) caller.entry[refused ? 'refusals' : 'uses'] += 1
      if (!refused) return
      const explicit = controlled
        ? ' with an explicit deny in a service control policy'
        : denies([...own, ...(sessionPolicy ?? [])], question)
          ? ' with an explicit deny'
          : ''
      throw new AwsRefusal(
        403,
        'AccessDenied',
        `User: ${caller.arn} is not authorized to perform: ${action} on resource: ${resource}${explicit}`,
      )
    },
  }
}
