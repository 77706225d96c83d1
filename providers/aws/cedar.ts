/** AWS's part of the policy schema, and what is asked of policy. */
import {
  classes,
  contextFields,
  type AuthorizationRequest,
  type Class,
  type Entity,
} from '../../src/provider.ts'
import { parseRole, roleArn } from './arn.ts'
import type { AwsDetail } from './detail.ts'
import { foldedAction } from './patterns.ts'

const actionOf = (group: Class) => `aws.assume_role.${group}`

export const cedar = [
  'entity AwsAccount;',
  'entity AwsRole in [AwsAccount];',
  `type AwsContext = { ${contextFields}, aws_actions: Set<String>, aws_resources: Set<String> };`,
  ...classes.map(
    (group) =>
      `action "${actionOf(group)}" in [Action::"${group}"] appliesTo { principal: [Agent], resource: [AwsRole], context: AwsContext };`,
  ),
].join('\n')

/** What is wrong with an entity that a policy names: one that no request is about would never match. */
export function entityFault({ type, id }: Entity): string | undefined {
  if (type === 'AwsRole' && !roleArn.safeParse(id).success)
    return `${JSON.stringify(id)} is not the ARN of a role`
  if (type === 'AwsAccount' && !/^\d{12}$/.test(id))
    return `${JSON.stringify(id)} is not an account: those have twelve digits`
  return undefined
}

/** What policy must allow: to assume the role, as what the configuration says that it is. */
export function requests({ role_arn, actions, resources }: AwsDetail, group: Class): AuthorizationRequest[] {
  const account = { type: 'AwsAccount', id: parseRole(role_arn).account }
  return [
    {
      action: actionOf(group),
      class: group,
      resource: { type: 'AwsRole', id: role_arn, parents: [account] },
      implied: [],
      context: {
        aws_actions: (actions ?? ['*']).map(foldedAction),
        aws_resources: resources ?? ['*'],
      },
    },
  ]
}
