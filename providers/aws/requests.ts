import type { AuthorizationRequest, Class } from '../../src/provider.ts'
import { parseRole } from './arn.ts'
import { actionOf } from './cedar.ts'
import type { AwsDetail } from './detail.ts'
import { foldedAction } from './patterns.ts'

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
