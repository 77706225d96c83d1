import type { Connection, ConnectionContext } from '../../src/provider/upstream.ts'
import type { AwsConfig } from './config.ts'
import type { AwsDetail } from './detail.ts'
import { diagnose } from './diagnose.ts'
import { mint, shortest } from './mint.ts'
import { actionWithin, resourceWithin } from './patterns.ts'
import { probe } from './probe.ts'
import { recover } from './recover.ts'
import { actionOf } from './cedar.ts'
import { requests, roleResource } from './requests.ts'
import { revoke } from './revoke.ts'
import { awsAt } from './upstream.ts'

/** One account's roles in one region. */
export function connect(config: AwsConfig, context: ConnectionContext): Connection<AwsDetail> {
  const { name } = config
  const aws = awsAt(config, context)
  const { policies, roles, roleOf } = aws
  // What the last process denied may have ended while none was there to see it.
  let unseen = true

  return {
    name,
    // Which account it is, each role's ARN says.
    upstream: config.endpoints.iam ?? 'IAM',
    resources: config.roles
      .filter(({ retired }) => !retired)
      .map(({ arn, class: group }) => ({
        ...roleResource(arn),
        actions: [{ action: actionOf(group), class: group }],
      })),
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

    mint: (detail, intent, { signal }) => mint(detail, intent, aws, signal),
    revoke: (handles, upkeep) => revoke(handles, aws, upkeep),
    probe: (handle, { signal }) => probe(handle, aws, signal),
    recover: (intent, { signal }) => recover(intent, aws, signal),
    diagnose: ({ signal }) => diagnose(aws, signal),

    ...(policies && {
      async maintain(upkeep) {
        const handles = await upkeep.standing()
        const given = new Set([...handles.map(({ role }) => role), ...policies.roles()])
        const shared = { ...upkeep, standing: () => Promise.resolve(handles) }
        const upkept = config.roles.map(async ({ arn, retired }) => {
          if (unseen || given.has(arn)) await policies.enforce(arn, [], shared)
          // Before anything is minted that could not be taken back, and until it could.
          if (!retired && policies.able(arn) !== true) await policies.tryOut(arn, upkeep.signal)
        })
        const results = await Promise.allSettled(upkept)
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
