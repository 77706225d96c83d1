/** What one account's roles in one region offer. */
import type { Terms } from '../../src/provider/terms.ts'
import { actionOf } from './cedar.ts'
import type { AwsConfig } from './config.ts'
import type { AwsDetail } from './detail.ts'
import { actionWithin, resourceWithin } from './patterns.ts'
import { requests, roleResource } from './requests.ts'
import { quota, slots } from './room.ts'
import { shortest } from './session-life.ts'

export function terms({ endpoints, revocation, roles }: AwsConfig): Terms<AwsDetail> {
  const known = new Map(roles.map((role) => [role.arn, role]))
  const classOf = (arn: string) => {
    const role = known.get(arn)
    if (!role) throw new Error('a role that is not configured has no class')
    return role.class
  }
  return {
    // Which account it is, each role's ARN says.
    leadsTo: endpoints.iam ?? 'IAM',
    resources: roles
      .filter(({ retired }) => !retired)
      .map(({ arn, class: group }) => ({
        ...roleResource(arn),
        actions: [{ action: actionOf(group), class: group }],
      })),
    serves: ({ role_arn }) => known.get(role_arn)?.retired === false,
    requests: (detail) => requests(detail, classOf(detail.role_arn)),

    covers: (outer, inner) =>
      inner.role_arn === outer.role_arn &&
      isWithin(inner.actions, outer.actions, actionWithin) &&
      isWithin(inner.resources, outer.resources, resourceWithin),

    revocation: () => (revocation === 'expiry' ? 'expiry' : 'eventual'),
    minTtl: () => shortest,
    ...(revocation === 'deny-policy' && {
      slot: ({ role_arn }: AwsDetail) => ({ key: role_arn, total: slots(quota) }),
    }),
    lacks: ({ role_arn }) => (known.has(role_arn) ? undefined : `the role ${role_arn}`),
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
