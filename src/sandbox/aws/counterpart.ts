import { type SandboxAws, startAws } from '../aws.ts'
import type { Counterpart } from '../counterpart.ts'
import { awsLifecycle } from './lifecycle.ts'
import type { AwsSettings } from './settings.ts'

const broker = 'mayfly'

const policies = `@id("refactor-bot-deploys")
permit (principal == Mayfly::Agent::"refactor-bot",
        action == Mayfly::Action::"aws.assume_role.deploy", resource);

@id("nobody-deletes-buckets")
forbid (principal, action == Mayfly::Action::"aws.assume_role.deploy", resource)
unless { ["s3:getobject", "s3:putobject"].containsAll(context.aws_actions) };
`

export const aws: Counterpart<SandboxAws, AwsSettings> = {
  start: startAws,
  arrange(running, url) {
    const { settings, region, endpoints } = running
    settings.roles.push({
      name: broker,
      path: '/',
      maxSessionDuration: 3600,
      permissions: [{ Effect: 'Allow', Action: ['sts:*', 'iam:*'], Resource: '*' }],
      trust: {
        account: false,
        setSourceIdentity: false,
        tagSession: false,
        webIdentity: { issuer: url, audience: 'sts.amazonaws.com', subject: broker },
      },
    })
    return {
      connection: {
        name: 'prod',
        region,
        endpoints,
        web_identity: { role_arn: running.roleArn(broker) },
        roles: [{ arn: running.roleArn('deployer'), class: 'deploy' }],
      },
      policies,
    }
  },
  lifecycles: (running) => [awsLifecycle(running)],
}
