import type { Clock } from '../../src/base/clock.ts'
import { refused } from '../../src/provider/answers.ts'
import type { ConnectionContext } from '../../src/provider/upstream.ts'
import { awsApi, type Api } from './api.ts'
import type { AwsConfig, AwsRole } from './config.ts'
import type { AwsDetail } from './detail.ts'
import { denyPolicies, type DenyPolicies } from './enforce.ts'

/** One account's roles in one region, and the ways to call AWS about them. */
export interface Aws {
  config: AwsConfig
  clock: Clock
  api: Api
  /** Undefined where nothing but its own life ends a session. */
  policies: DenyPolicies | undefined
  /** By ARN, those that are retired too. */
  roles: ReadonlyMap<string, AwsRole>
  /** The role to mint from. @throws ProviderError `rejected` where it is retired or not configured */
  roleOf: (detail: AwsDetail) => AwsRole
  /** Seconds that a session of the role lives at most. */
  longestLife: (arn: string) => number
}

/** Seconds that a session can live at most, and a console session that is made with one (STS API reference, AssumeRole). */
export const longestOfAll = 43_200

export function awsAt(config: AwsConfig, context: ConnectionContext): Aws {
  const api = awsApi(config, context)
  const roles = new Map(config.roles.map((role) => [role.arn, role]))
  const longestLife = (arn: string) => roles.get(arn)?.max_session_duration ?? longestOfAll
  const longestTrace = async (arn: string, signal: AbortSignal) =>
    (await api.self(signal)).chains ? longestLife(arn) : longestOfAll
  return {
    config,
    clock: context.clock,
    api,
    policies:
      config.revocation === 'deny-policy' ? denyPolicies(config.name, api, context, longestTrace) : undefined,
    roles,
    roleOf({ role_arn }) {
      const role = roles.get(role_arn)
      if (!role || role.retired) throw refused('this role is not configured')
      return role
    },
    longestLife,
  }
}
