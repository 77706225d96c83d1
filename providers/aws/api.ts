/** The calls to AWS that the broker makes. */
import {
  DeleteRolePolicyCommand,
  GetRolePolicyCommand,
  ListRolePoliciesCommand,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam'
import {
  AssumeRoleCommand,
  GetCallerIdentityCommand,
  type AssumeRoleCommandInput,
  type AssumeRoleCommandOutput,
} from '@aws-sdk/client-sts'
import { garbage } from '../../src/provider/answers.ts'
import type { ConnectionContext } from '../../src/provider/upstream.ts'
import { parseRole } from './arn.ts'
import { attempts } from './attempt.ts'
import { createClients, type Clients } from './client.ts'
import type { AwsConfig } from './config.ts'
import { webIdentity } from './identity.ts'
import { selfKnowledge, type Self } from './self.ts'

/** Each throws `ProviderError`s only. Roles are named by their ARN. */
export interface Api {
  assumeRole(input: AssumeRoleCommandInput, signal: AbortSignal): Promise<AssumeRoleCommandOutput>
  /** The broker's own ARN, undefined where that is not told. */
  caller(signal: AbortSignal): Promise<string | undefined>
  /** What the broker is itself. */
  self(signal: AbortSignal): Promise<Self>
  /** Milliseconds that AWS's clock is ahead of ours. */
  skew: () => number
  /** The text of an inline policy, undefined where the role has none of this name. */
  rolePolicy(role: string, policy: string, signal: AbortSignal): Promise<string | undefined>
  rolePolicyNames(role: string, signal: AbortSignal): Promise<string[]>
  /** `full`: the role's inline policies together would be longer than IAM lets them be. */
  putRolePolicy(role: string, policy: string, text: string, signal: AbortSignal): Promise<'done' | 'full'>
  /** Leaves everything as it is, and throws where the broker may not write. `policy`: the name of none that there is. */
  tryPutRolePolicy(role: string, policy: string, signal: AbortSignal): Promise<void>
  /** Done too where there is none. */
  deleteRolePolicy(role: string, policy: string, signal: AbortSignal): Promise<void>
}

const gone = 'the role does not exist'
const writing = { AccessDenied: 'the broker may not write the policies of the role', NoSuchEntity: gone }

export function awsApi(config: AwsConfig, context: ConnectionContext): Api {
  const own = config.web_identity
  const identity = own && webIdentity(own.role_arn, context, () => clients.sts)
  const clients: Clients = createClients(config, context, identity)
  const { sts, iam, skew } = clients
  const attempt = attempts(context.clock, () => identity?.isNew() ?? false)
  const named = (role: string) => ({ RoleName: parseRole(role).name })

  const caller: Api['caller'] = async (signal) => {
    const except = { InvalidAction: undefined }
    const answer = await attempt((options) => sts.send(new GetCallerIdentityCommand(), options), signal, {
      except,
    })
    if (answer && !/^arn:[\x21-\x7e]{1,2000}$/.test(answer.Arn ?? '')) throw garbage('AWS', false)
    return answer?.Arn
  }

  const deleteRolePolicy: Api['deleteRolePolicy'] = async (role, PolicyName, signal) => {
    const command = new DeleteRolePolicyCommand({ ...named(role), PolicyName })
    await attempt((options) => iam.send(command, options), signal, {
      leaves: 'a change',
      meanings: { AccessDenied: 'the broker may not delete the policies of the role' },
      except: { NoSuchEntity: undefined },
    })
  }

  return {
    skew,
    caller,
    self: selfKnowledge((signal) => attempt(() => clients.own(), signal), caller, own !== undefined),

    assumeRole: (input, signal) =>
      attempt((options) => sts.send(new AssumeRoleCommand(input), options), signal, {
        leaves: 'its answer',
        meanings: {
          AccessDenied:
            "the role's trust policy does not let the broker assume it, tag its session and set its source identity",
          ValidationError: 'the role allows no session as long as that, or none named so',
          MalformedPolicyDocument: 'it does not understand the session policy',
          PackedPolicyTooLarge: 'actions, resources and tags together are more than a session can hold',
        },
      }),

    async rolePolicy(role, PolicyName, signal) {
      const command = new GetRolePolicyCommand({ ...named(role), PolicyName })
      const answer = await attempt((options) => iam.send(command, options), signal, {
        meanings: { AccessDenied: 'the broker may not read the policies of the role' },
        except: { NoSuchEntity: undefined },
      })
      if (!answer) return undefined
      const { RoleName } = command.input
      const { RoleName: of = RoleName, PolicyName: shown = PolicyName, PolicyDocument: text } = answer
      // The answer to another question would show the denials of another role.
      if (of !== RoleName || shown !== PolicyName || text === undefined) throw garbage('AWS', false)
      return unescaped(text)
    },

    async rolePolicyNames(role, signal) {
      const names: string[] = []
      for (let Marker: string | undefined; ;) {
        const command = new ListRolePoliciesCommand({
          ...named(role),
          ...(Marker !== undefined && { Marker }),
        })
        const answer = await attempt((options) => iam.send(command, options), signal, {
          meanings: { AccessDenied: 'the broker may not list the policies of the role', NoSuchEntity: gone },
        })
        names.push(...(answer.PolicyNames ?? []))
        if (!answer.IsTruncated || answer.Marker === undefined) return names
        Marker = answer.Marker
      }
    },

    async putRolePolicy(role, PolicyName, PolicyDocument, signal) {
      const command = new PutRolePolicyCommand({ ...named(role), PolicyName, PolicyDocument })
      return await attempt(
        async (options) => {
          await iam.send(command, options)
          return 'done' as const
        },
        signal,
        { leaves: 'a change', meanings: writing, except: { LimitExceeded: 'full' as const } },
      )
    },

    async tryPutRolePolicy(role, PolicyName, signal) {
      // Whether one may is looked at before what it is, and this is no policy.
      const command = new PutRolePolicyCommand({ ...named(role), PolicyName, PolicyDocument: '{}' })
      const stored = await attempt((options) => iam.send(command, options), signal, {
        meanings: writing,
        except: { MalformedPolicyDocument: undefined },
      })
      if (stored) await deleteRolePolicy(role, PolicyName, signal)
    },

    deleteRolePolicy,
  }
}

/** IAM API reference: policies come percent-encoded (RFC 3986). */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw garbage('AWS', false)
  }
}
