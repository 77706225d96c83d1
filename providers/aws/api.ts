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
import { abandoned, requireAwaited } from '../../src/lost-answer.ts'
import type { ConnectionContext } from '../../src/provider.ts'
import { parseRole } from './arn.ts'
import { createClients, type Clients } from './client.ts'
import type { AwsConfig } from './config.ts'
import { AwsFailure, garbage, refusal, type Meanings } from './failure.ts'
import { webIdentity } from './identity.ts'

/** Each throws `ProviderError`s only. Roles are named by their ARN. */
export interface Api {
  assumeRole(input: AssumeRoleCommandInput, signal: AbortSignal): Promise<AssumeRoleCommandOutput>
  /** The broker's own ARN, undefined where that is not told. */
  caller(signal: AbortSignal): Promise<string | undefined>
  /** Whether the broker is itself a session, which may assume roles for an hour at most (STS, "role chaining"). */
  chains(signal: AbortSignal): Promise<boolean>
  /** Milliseconds that AWS's clock is ahead of ours. */
  skew: () => number
  /** The text of an inline policy, undefined where the role has none of this name. */
  rolePolicy(role: string, policy: string, signal: AbortSignal): Promise<string | undefined>
  rolePolicyNames(role: string, signal: AbortSignal): Promise<string[]>
  /** `full`: the role's inline policies together would be longer than IAM lets them be. */
  putRolePolicy(role: string, policy: string, text: string, signal: AbortSignal): Promise<'done' | 'full'>
  /** Done too where there is none. */
  deleteRolePolicy(role: string, policy: string, signal: AbortSignal): Promise<void>
}

const gone = 'the role does not exist'

export function awsApi(config: AwsConfig, context: ConnectionContext): Api {
  const own = config.web_identity
  const identity = own && webIdentity(own.role_arn, context, () => clients.sts)
  const clients: Clients = createClients(config, context, identity)
  const { sts, iam, skew, temporary } = clients
  const named = (role: string) => ({ RoleName: parseRole(role).name })
  return {
    skew,
    assumeRole: (input, signal) =>
      attempt((options) => sts.send(new AssumeRoleCommand(input), options), signal, {
        acts: true,
        meanings: {
          AccessDenied:
            "the role's trust policy does not let the broker assume it, tag its session and set its source identity",
          ValidationError: 'the role allows no session as long as that, or none named so',
          MalformedPolicyDocument: 'it does not understand the session policy',
          PackedPolicyTooLarge: 'actions, resources and tags together are more than a session can hold',
        },
      }),
    async caller(signal) {
      const answer = await attempt((options) => sts.send(new GetCallerIdentityCommand(), options), signal, {
        acts: false,
        except: { InvalidAction: undefined },
      })
      if (answer && !/^arn:[\x21-\x7e]{1,2000}$/.test(answer.Arn ?? '')) throw garbage(false)
      return answer?.Arn
    },

    chains: (signal) => attempt(temporary, signal, { acts: false }),

    async rolePolicy(role, PolicyName, signal) {
      const command = new GetRolePolicyCommand({ ...named(role), PolicyName })
      const meanings = { AccessDenied: 'the broker may not read the policies of the role' }
      const answer = await attempt((options) => iam.send(command, options), signal, {
        acts: false,
        meanings,
        except: { NoSuchEntity: undefined },
      })
      if (!answer) return undefined
      const { PolicyName: shown = PolicyName, PolicyDocument: text } = answer
      if (shown !== PolicyName || text === undefined) throw garbage(false)
      return unescaped(text)
    },

    async rolePolicyNames(role, signal) {
      const names: string[] = []
      for (let Marker: string | undefined; ;) {
        const command = new ListRolePoliciesCommand({
          ...named(role),
          ...(Marker !== undefined && { Marker }),
        })
        const meanings = {
          AccessDenied: 'the broker may not list the policies of the role',
          NoSuchEntity: gone,
        }
        const answer = await attempt((options) => iam.send(command, options), signal, {
          acts: false,
          meanings,
        })
        names.push(...(answer.PolicyNames ?? []))
        if (!answer.IsTruncated || answer.Marker === undefined) return names
        Marker = answer.Marker
      }
    },

    async putRolePolicy(role, PolicyName, PolicyDocument, signal) {
      const command = new PutRolePolicyCommand({ ...named(role), PolicyName, PolicyDocument })
      const meanings = {
        AccessDenied: 'the broker may not write the policies of the role',
        NoSuchEntity: gone,
      }
      return await attempt(
        async (options) => {
          await iam.send(command, options)
          return 'done' as const
        },
        signal,
        { acts: true, meanings, except: { LimitExceeded: 'full' as const } },
      )
    },

    async deleteRolePolicy(role, PolicyName, signal) {
      const command = new DeleteRolePolicyCommand({ ...named(role), PolicyName })
      const meanings = { AccessDenied: 'the broker may not delete the policies of the role' }
      const except = { NoSuchEntity: undefined }
      await attempt((options) => iam.send(command, options), signal, { acts: true, meanings, except })
    },
  }
}

/** Runs one call. `except`: what stands for the answer where AWS refuses with this code. */
async function attempt<Output, Instead = never>(
  call: (options: { abortSignal: AbortSignal }) => Promise<Output>,
  signal: AbortSignal,
  { acts, meanings = {}, except }: { acts: boolean; meanings?: Meanings; except?: Record<string, Instead> },
): Promise<Output | Instead> {
  requireAwaited('AWS', signal)
  try {
    return await call({ abortSignal: signal })
  } catch (error) {
    if (!(error instanceof AwsFailure)) throw error
    if (error.status === undefined && signal.aborted) throw abandoned('AWS', signal, acts && error.sent)
    if (except && Object.hasOwn(except, error.code)) return except[error.code] as Instead
    throw refusal(error, meanings, acts)
  }
}

/** IAM API reference: policies come percent-encoded (RFC 3986). */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw garbage(false)
  }
}
