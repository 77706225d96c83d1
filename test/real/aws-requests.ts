/** What is asked of an STS and an IAM to hold one against another. */
import {
  DeleteRolePolicyCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  type IAMClient,
  ListRolePoliciesCommand,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam'
import {
  AssumeRoleCommand,
  type AssumeRoleCommandInput,
  GetCallerIdentityCommand,
  type STSClient,
} from '@aws-sdk/client-sts'
import { sessionPolicy } from '../../providers/aws/session-policy.ts'
import { deployer, reader } from '../support/aws-sandbox.ts'

interface Clients {
  sts: STSClient
  iam: IAMClient
}

/** Each answer, or the name of the error, by what was asked. The requests follow one another. */
export async function answers(clients: Clients): Promise<Record<string, unknown>> {
  const given: Record<string, unknown> = {}
  for (const [name, request] of Object.entries(requests))
    given[name] = await request(clients).catch((error: Error) => error.name)
  return given
}

type Request = (clients: Clients) => Promise<unknown>

const [RoleName, PolicyName] = ['reader', 'mayfly-deny-test']
const policy = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Deny',
      Action: '*',
      Resource: '*',
      Condition: { StringEquals: { 'aws:userid': ['AROAAAAAAAAAAAAAAAAAA:lease_1'] } },
    },
  ],
})

/** Random letters and digits as one `x` each. */
const form = (id: string | undefined) =>
  id?.replace(/(?<=^(?:AROA|ASIA))[A-Z0-9]+/, (random) => 'x'.repeat(random.length))

const role =
  (name: string): Request =>
  async ({ iam }) => {
    const { Role } = await iam.send(new GetRoleCommand({ RoleName: name }))
    return [Role?.Arn, form(Role?.RoleId), Role?.MaxSessionDuration]
  }
const put =
  (PolicyDocument: string, input: { RoleName?: string; PolicyName?: string } = {}): Request =>
  async ({ iam }) => {
    await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument, ...input }))
    return 'done'
  }
const get: Request = async ({ iam }) => {
  const { PolicyDocument = '' } = await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }))
  return decodeURIComponent(PolicyDocument)
}
const list: Request = async ({ iam }) =>
  (await iam.send(new ListRolePoliciesCommand({ RoleName }))).PolicyNames
const remove: Request = async ({ iam }) => {
  await iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName }))
  return 'done'
}
const assume =
  (change: Partial<AssumeRoleCommandInput>): Request =>
  async ({ sts }) => {
    const input = { RoleArn: deployer, RoleSessionName: 'lease_1', ...change }
    const answer = await sts.send(new AssumeRoleCommand(input))
    const { Credentials: credentials, AssumedRoleUser: user, SourceIdentity } = answer
    const forms = [
      form(user?.AssumedRoleId),
      form(credentials?.AccessKeyId),
      credentials?.SecretAccessKey?.length,
    ]
    return [user?.Arn, SourceIdentity, ...forms]
  }

const requests: Record<string, Request> = {
  'a role': role('deployer'),
  'a role with a path': role('reader'),
  'a role that does not exist': role('nobody'),
  'a policy that does not exist': get,
  'no policies': list,
  'deleting a policy that does not exist': remove,
  'writing a policy': put(policy),
  'reading it back': get,
  'its name in the list': list,
  'writing it over': put(policy.replace('lease_1', 'lease_2')),
  'reading that': get,
  'deleting it': remove,
  'what is left then': list,
  'a policy on a role that does not exist': put(policy, { RoleName: 'nobody' }),
  'a policy that is no JSON': put('{'),
  'a policy that says nothing, as the broker tries out whether it may write': put('{}'),
  'a policy without a resource': put(policy.replace('"Resource":"*",', '')),
  'a policy with another effect': put(policy.replace('Deny', 'Refuse')),
  'a policy beyond the quota': put(policy.replace('lease_1', 'x'.repeat(10_240)), { PolicyName: 'long' }),
  'a session': assume({ DurationSeconds: 900, Policy: sessionPolicy({}, { end: 0 }) }),
  'a session of a role with a path': assume({ RoleArn: reader, ExternalId: 'acme-42' }),
  'a session with a source identity': assume({ SourceIdentity: 'task_1' }),
  'a session with a name too long': assume({ RoleSessionName: 'x'.repeat(65) }),
  'a session too short': assume({ DurationSeconds: 899 }),
  'a session policy too long': assume({ Policy: sessionPolicy({}, { end: 0 }).padEnd(2049) }),
  'a session of a role that does not exist': assume({ RoleArn: deployer.replace('deployer', 'nobody') }),
  'an account': async ({ sts }) => (await sts.send(new GetCallerIdentityCommand())).Account,
}
