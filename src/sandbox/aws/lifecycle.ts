import type { SandboxAws } from '../aws.ts'
import type { AwsCredential } from './sign.ts'
import type { Attempt, Credential, Lifecycle } from '../lifecycle.ts'

/** AWS: an agent takes on a role for a task and deploys an object with it. */
export function awsLifecycle(aws: SandboxAws): Lifecycle {
  const object = 'builds/app.txt'
  const call = async (credential: Credential, body?: string): Promise<Attempt> => {
    const status = await aws.use(credential as unknown as AwsCredential, object, body)
    return {
      request: `${body === undefined ? 'GET' : 'PUT'} s3://${object}`,
      status,
      // The session may do this, so a 403 is the deny that ends it.
      outcome: status === 200 ? 'accepted' : status === 403 ? 'refused' : 'unclear',
    }
  }
  const role = aws.roleArn('deployer')
  const resources = ['arn:aws:s3:::builds/*']
  return {
    endings: ['completed', 'revoked'],
    scope: { type: 'aws', role_arn: role, actions: ['s3:GetObject', 's3:PutObject'], resources },
    forbidden: { type: 'aws', role_arn: role, actions: ['s3:DeleteBucket'], resources },
    attempt: (credential) => call(credential),
    work: async (credential) => [await call(credential, 'built by an agent'), await call(credential)],
  }
}
