/** A configuration with one connection of each kind. */
import type { Sandbox } from '../../src/sandbox/sandbox.ts'
import { githubConnection, type Files } from '../../src/sandbox/configuration.ts'
import { liveOn } from './aws-sandbox.ts'

const roleArn = 'arn:aws:iam::123456789012:role/deployer'

/** A detail of each kind that it serves. */
export const aws = { type: 'aws', role_arn: roleArn }
export const vaultToken = { type: 'vault', policies: ['ci-read'] }
export const vaultSecret = { type: 'vault', path: 'database/creds/readonly' }

export function everyUpstream({ github, aws, vault }: Sandbox): Record<string, unknown> {
  liveOn(aws.accessKey)
  process.env['TEST_VAULT_TOKEN'] = vault.token
  const { endpoints, region } = aws
  return {
    providers: {
      github: [githubConnection(github)],
      aws: [{ name: 'prod', region, endpoints, roles: [{ arn: roleArn, class: 'deploy' }] }],
      vault: [
        {
          name: 'main',
          address: vault.url,
          auth: { token: { env: 'TEST_VAULT_TOKEN' } },
          paths: [{ path: 'database/creds/readonly', class: 'read', policies: ['db-readonly'] }],
          policies: [{ name: 'ci-read', class: 'read' }],
        },
      ],
    },
  }
}

/** Everything is permitted to the one agent. */
export const permissive: Files = {
  'policies/acme.cedar':
    '@id("bot-may-do-anything") permit (principal == Mayfly::Agent::"refactor-bot", action, resource);',
}
