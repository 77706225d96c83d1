import type { AuthorizationRequest, Class, Resource } from '../../src/provider/terms.ts'
import { parseRole } from './arn.ts'
import { actionOf } from './cedar.ts'
import type { AwsDetail } from './detail.ts'
import { foldedAction } from './patterns.ts'

/** What policy must allow: to assume the role, as what the configuration says that it is. */
export function requests({ role_arn, actions, resources }: AwsDetail, group: Class): AuthorizationRequest[] {
  return [
    {
      action: actionOf(group),
      class: group,
      resource: roleResource(role_arn),
      implied: [],
      context: {
        aws_actions: (actions ?? ['*']).map(foldedAction),
        aws_resources: resources ?? ['*'],
      },
    },
  ]
}

export function roleResource(arn: string): Resource {
  return { type: 'AwsRole', id: arn, parents: [{ type: 'AwsAccount', id: parseRole(arn).account }] }
}
