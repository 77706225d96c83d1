/** Identity and Access Management, as far as roles go. Rules without a source beside them are from its API reference. */
import type { Context } from 'hono'
import type { Caller } from './keys.ts'
import { parsePolicy } from './policy.ts'
import type { Operation, Parameters } from './query.ts'
import { AwsRefusal } from './refusal.ts'
import type { Roles } from './roles.ts'
import type { AwsRole } from './settings.ts'

const roleName = [/^[\w+=,.@-]+$/, [1, 64]] as const
const policyName = [/^[\w+=,.@-]+$/, [1, 128]] as const

export function iamOperations({
  roles,
  authenticate,
}: {
  roles: Roles
  authenticate: (c: Context) => Promise<Caller>
}): Record<string, Operation> {
  /** The role in the parameters, if the caller may do this to it. */
  const admit = async (c: Context, parameters: Parameters, action: string): Promise<AwsRole> => {
    const caller = await authenticate(c)
    const name = parameters.need('RoleName', ...roleName)
    const role = roles.byName(name)
    roles.admit(caller, `iam:${action}`, role ? roles.arnOf(role) : '*')
    if (!role) throw missing(`The role with name ${name} cannot be found.`)
    return role
  }
  const policyIn = (role: AwsRole, name: string): string => {
    const text = roles.inline(role).get(name)
    if (text === undefined) throw missing(`The role policy with name ${name} cannot be found.`)
    return text
  }

  return {
    async GetRole(c, parameters) {
      const role = await admit(c, parameters, 'GetRole')
      parameters.done()
      const { path, name, maxSessionDuration } = role
      return {
        Role: {
          Path: path,
          RoleName: name,
          RoleId: roles.idOf(role),
          Arn: roles.arnOf(role),
          MaxSessionDuration: maxSessionDuration,
        },
      }
    },

    async GetRolePolicy(c, parameters) {
      const role = await admit(c, parameters, 'GetRolePolicy')
      const name = parameters.need('PolicyName', ...policyName)
      parameters.done()
      const text = policyIn(role, name)
      // "Policies returned by this operation are URL-encoded compliant with RFC 3986."
      return { RoleName: role.name, PolicyName: name, PolicyDocument: encodeURIComponent(text) }
    },

    async ListRolePolicies(c, parameters) {
      const role = await admit(c, parameters, 'ListRolePolicies')
      const most = Number(parameters.take('MaxItems', /^\d+$/, [1, 4]) ?? 100)
      const from = Number(parameters.take('Marker', /^\d+$/, [1, 9]) ?? 0)
      parameters.done()
      const names = [...roles.inline(role).keys()].toSorted()
      const more = from + most < names.length
      return {
        PolicyNames: names.slice(from, from + most),
        IsTruncated: more,
        Marker: more ? String(from + most) : undefined,
      }
    },

    async PutRolePolicy(c, parameters) {
      const role = await admit(c, parameters, 'PutRolePolicy')
      const name = parameters.need('PolicyName', ...policyName)
      const text = parameters.need('PolicyDocument', /[^]*/, [1, 131_072])
      parameters.done()
      parsePolicy(text)
      roles.setInline(role, name, text)
      return undefined
    },

    async DeleteRolePolicy(c, parameters) {
      const role = await admit(c, parameters, 'DeleteRolePolicy')
      const name = parameters.need('PolicyName', ...policyName)
      parameters.done()
      policyIn(role, name)
      roles.setInline(role, name, undefined)
      return undefined
    },
  }
}

function missing(message: string): AwsRefusal {
  return new AwsRefusal(404, 'NoSuchEntity', message)
}
