import { ProviderError, type Connection, type ConnectionContext } from '../../src/provider.ts'
import { awsApi } from './api.ts'
import { requests } from './cedar.ts'
import type { AwsConfig, AwsRole } from './config.ts'
import { denyPolicies, policyName } from './deny.ts'
import type { AwsDetail } from './detail.ts'
import { diagnose } from './diagnose.ts'
import { mint, shortest } from './mint.ts'
import { actionWithin, resourceWithin } from './patterns.ts'
import { probe } from './probe.ts'
import { recover } from './recover.ts'
import { revoke } from './revoke.ts'

/** Seconds that a session can live at most: that of a role which is configured no more, too. */
const longestOfAll = 43_200

/** One account's roles in one region. */
export function connect(
  config: AwsConfig & { name: string },
  context: ConnectionContext,
): Connection<AwsDetail> {
  const { name, region } = config
  const { clock } = context
  const roles = new Map(config.roles.map((role) => [role.arn, role]))
  const api = awsApi(config, context)
  const known = (arn: string) => roles.get(arn) ?? { arn, max_session_duration: longestOfAll }
  const life = (arn: string) => known(arn).max_session_duration * 1000
  const policies = config.revocation === 'deny-policy' ? denyPolicies(api, context, life) : undefined
  // What the last process denied may have ended while none was there to see it.
  let unseen = true

  const roleOf = ({ role_arn }: AwsDetail): AwsRole => {
    const role = roles.get(role_arn)
    if (!role || role.retired) throw new ProviderError('rejected', 'this role is not configured')
    return role
  }

  return {
    name,
    // Which account it is, each role's ARN says.
    upstream: config.endpoints.iam ?? 'IAM',
    revokesAtOnce: 1000,

    serves: ({ connection = name, role_arn }) =>
      connection === name && roles.get(role_arn)?.retired === false,
    lacks: ({ role_arn }) => (roles.has(role_arn) ? undefined : `the role ${role_arn}`),
    revocation: () => (policies ? 'eventual' : 'expiry'),
    ttl: (detail) => ({ min: shortest, max: roleOf(detail).max_session_duration }),
    ...(policies && { slot: ({ role_arn }) => ({ key: role_arn, total: policies.slots(role_arn) }) }),
    requests: (detail) => requests(detail, roleOf(detail).class),

    covers: (outer, inner) =>
      (inner.connection ?? name) === (outer.connection ?? name) &&
      inner.role_arn === outer.role_arn &&
      isWithin(inner.actions, outer.actions, actionWithin) &&
      isWithin(inner.resources, outer.resources, resourceWithin),

    mint: async (detail, intent, { signal }) =>
      await mint({ ...intent, detail }, roleOf(detail), region, api, clock, signal),
    revoke: (handles, options) => revoke(handles, policies, clock, options),
    probe: (handle, { signal }) => probe(handle, policies, clock, signal),
    recover: async (intent, { signal }) =>
      await recover(intent, known(intent.detail.role_arn), policies, clock, signal),

    diagnose: ({ signal }) => diagnose(config, api, policyName(context.installation()), signal),

    ...(policies && {
      async maintain({ standing, signal }) {
        const handles = await standing()
        const given = handles.map(({ role }) => role).filter((role) => typeof role === 'string')
        const all = new Set([...given, ...policies.roles(), ...(unseen ? roles.keys() : [])])
        const shared = { standing: () => Promise.resolve(handles), signal }
        const results = await Promise.allSettled([...all].map((role) => policies.enforce(role, [], shared)))
        const failed = results.find((result) => result.status === 'rejected')
        if (failed) throw failed.reason
        unseen = false
      },
    }),
  }
}

/** Whether each of `inner` lies within `outer`, which undefined does not limit. */
function isWithin(
  inner: string[] | undefined,
  outer: string[] | undefined,
  within: (one: string, outer: readonly string[]) => boolean,
): boolean {
  return outer === undefined || (inner?.every((one) => within(one, outer)) ?? false)
}
