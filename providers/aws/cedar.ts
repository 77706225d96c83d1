/** AWS's part of the policy schema: assuming a role, in each of five classes. */
import { classes, contextFields, type Class, type Entity } from '../../src/provider/terms.ts'
import { roleArn } from './arn.ts'

export const actionOf = (group: Class) => `aws.assume_role.${group}`

export const cedar = [
  'entity AwsAccount;',
  'entity AwsRole in [AwsAccount];',
  `type AwsContext = { ${contextFields}, aws_actions: Set<String>, aws_resources: Set<String> };`,
  ...classes.map(
    (group) =>
      `action "${actionOf(group)}" in [Action::"${group}"] appliesTo { principal: [Agent], resource: [AwsRole], context: AwsContext };`,
  ),
].join('\n')

/** Both hold patterns as the caller wrote them. */
export const patterns = {
  aws_actions: '["s3:getobject", "s3:putobject"]',
  aws_resources: '["arn:aws:s3:::acme-releases/*"]',
}

/** What is wrong with an entity that a policy names: one that no request is about would never match. */
export function entityFault({ type, id }: Entity): string | undefined {
  if (type === 'AwsRole' && !roleArn.safeParse(id).success)
    return `${JSON.stringify(id)} is not the ARN of a role`
  if (type === 'AwsAccount' && !/^\d{12}$/.test(id))
    return `${JSON.stringify(id)} is not an account: those have twelve digits`
  return undefined
}
